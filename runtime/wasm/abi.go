package wasm

// The convention between a module and the host, version 1. It may change before version 1.0.
//
// A module exports
//
//	memory                              the one linear memory; pointers are offsets into it
//	tenterhook_abi_v1()                 marks the convention; never called
//	evaluate(ptr i32, len i32) -> i64   decides on the event, whose JSON is at ptr
//	decide() -> i64                     instead of evaluate: reads the event by host functions
//	alloc(size i32) -> i32              for evaluate and configure: where the host may write
//	                                    size bytes; 0 fails
//	configure(ptr i32, len i32) -> i32  optional: gets the rule's `with` as JSON, or null, once,
//	                                    before the state is frozen; other results than 0 reject
//	                                    the rule
//	_initialize()                       optional: runs once, first
//
// The result of evaluate and decide is ptr<<32|len of the draft's JSON (see hook.Draft). If len is
// 0 the module has no opinion, whatever ptr is. A trap fails the rule. The host copies the draft
// before it runs anything else in the module.
//
// The state is frozen after configure, before the first event. Every call finds memory, globals and
// tables in that state: no call sees changes by another, nor by the sample call on which the host
// checks the module. Memory from alloc need not be freed. What a module can prepare for all events,
// such as tables and caches of its own, it prepares in _initialize or configure.
const (
	exportMemory     = "memory"
	exportMarker     = "tenterhook_abi_v1"
	exportEvaluate   = "evaluate"
	exportDecide     = "decide"
	exportAlloc      = "alloc"
	exportConfigure  = "configure"
	exportInitialize = "_initialize"
)

// Import modules. None is required.
const (
	importHost = "tenterhook"             // the host functions below
	importWASI = "wasi_snapshot_preview1" // preview 1 without access to the host: see wasi.go
	importEnv  = "env"                    // abort(message, file, line, column i32) of AssemblyScript
)

// The host functions, in the import module "tenterhook". All arguments and results are i32. A
// pointer and a length name bytes in the module's memory; bytes outside it are a trap.
//
//	get(pointer, pointerLen, buf, cap) -> i32              JSON of a member, as it was sent
//	get_text(pointer, pointerLen, buf, cap) -> i32         decoded text of a member, in UTF-8
//	length(pointer, pointerLen) -> i32                     elements of a list, members of an object
//	lookup(table, tableLen, key, keyLen, buf, cap) -> i32  JSON of a key's value in a table of the
//	                                                       policy; true for entries without value
//	log(text, textLen)                                     writes a line to the server's log
//
// pointer is a JSON Pointer (RFC 6901) into the event: for an inline hook the whole call, for an
// event hook one event. "" is the event itself. A pointer without leading / is a trap, and so is a
// table that the policy does not have: if either counted as missing, a rule that denies could let
// a call pass.
//
// get, get_text and lookup return the length of the value in bytes. If it is larger than cap,
// nothing was written: call again with a larger buffer. Otherwise the value is at buf. A negative
// result is one of the codes below; nothing was written.
//
// A JSON Pointer above 64 KiB is a trap, and so is a key above 1 MiB.
//
// Each call costs callPrice of fuel, one unit for each byte of a pointer or key, one for each 16
// bytes of a value or log line, and the price of finding the member.
const (
	hostGet     = "get"
	hostGetText = "get_text"
	hostLength  = "length"
	hostLookup  = "lookup"
	hostLog     = "log"
)

// Results of get, get_text, length and lookup that are not lengths.
const (
	codeMissing = -1 // the member does not exist; the table lacks the key
	codeNull    = -2 // the value is null
	codeKind    = -3 // the value, or the key of lookup, has the wrong type
)

// callPrice is the fuel for calling a host function: it takes as long as about 400 instructions.
const callPrice = 400

// Limits for the logs of one run. Lines beyond them are dropped; a last line reports that.
const (
	maxLogLines = 64
	maxLogBytes = 16 << 10
	maxLogLine  = 2 << 10 // bytes of one line; the rest is dropped
)
