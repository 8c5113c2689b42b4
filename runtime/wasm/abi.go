package wasm

// The convention between a module and the host, version 1. It is not frozen before version 1.0 of the program.
//
// A module exports
//
//	memory                                the one linear memory; every pointer below is an offset into it
//	tenterhook_abi_v1()                   marks the convention; it is never called
//	evaluate(ptr i32, len i32) -> i64     decides on the event, whose JSON is at ptr
//	decide() -> i64                       or this instead: decides on the event, which it reads through the host functions
//	alloc(size i32) -> i32                with evaluate or configure: where the host may write size bytes; 0 refuses
//	configure(ptr i32, len i32) -> i32    optional: the rule's `with` as JSON, null where it has none, once, before the
//	                                      state is frozen; anything but 0 refuses the rule
//	_initialize()                         optional: once, before anything else
//
// What evaluate and decide return is ptr<<32|len of the draft's JSON, a text as hook.Draft has it; len 0 is no opinion,
// whatever ptr is. A trap is a rule that failed. The draft is copied out before anything else runs in the module.
//
// Every call finds the module's memory, globals and tables as they were once the rule was loaded: nothing that one call
// leaves behind is seen by another. What alloc gives for a call need not be freed.
const (
	exportMemory     = "memory"
	exportMarker     = "tenterhook_abi_v1"
	exportEvaluate   = "evaluate"
	exportDecide     = "decide"
	exportAlloc      = "alloc"
	exportConfigure  = "configure"
	exportInitialize = "_initialize"
)

// Where imports may come from. None is required.
const (
	importHost = "tenterhook"             // the host functions below
	importWASI = "wasi_snapshot_preview1" // all 46 functions of preview 1, with nothing behind them: see wasi.go
	importEnv  = "env"                    // abort alone, as AssemblyScript has it: (message, file, line, column i32) -> (); a trap
)

// The host functions, in the import module "tenterhook". Every argument and result is an i32. A pointer and a length
// name bytes of the module's memory; bytes that are not in it are a trap.
//
//	get(pointer, pointerLen, buf, cap) -> i32               the JSON of a member of the event, as it was sent
//	get_text(pointer, pointerLen, buf, cap) -> i32          the content of a text, without quotes and escapes, in UTF-8
//	length(pointer, pointerLen) -> i32                      how many elements a list has, or members an object
//	lookup(table, tableLen, key, keyLen, buf, cap) -> i32   the JSON of what a table of the policy has for a key; true where
//	                                                        an entry has no value
//	log(text, textLen)                                      a line for the server's log
//
// pointer is a JSON Pointer (RFC 6901) from the event: of an inline hook the whole call, of an event hook the one event.
// "" is the event itself. A pointer that does not begin with / is a trap, and so is a table that the policy does not
// have: to take either for "missing" could make a rule that refuses let something through.
//
// get, get_text and lookup return how long the value is, in bytes. When that is more than cap nothing was written: ask
// again with more room. Otherwise the value is at buf. A negative result is one of the codes below, and nothing was
// written.
//
// A JSON Pointer of more than 64 KiB is a trap, and so is a key of more than 1 MiB.
//
// Each costs callPrice of fuel, one unit for each byte of a pointer or key, one for each 16 bytes of a value or a line, and
// what finding the member costs.
const (
	hostGet     = "get"
	hostGetText = "get_text"
	hostLength  = "length"
	hostLookup  = "lookup"
	hostLog     = "log"
)

// What get, get_text, length and lookup return when there is no length to return.
const (
	codeMissing = -1 // there is no such member; the table has no such key
	codeNull    = -2 // the value is null
	codeKind    = -3 // get_text of what is not a text; length of what is neither list nor object; lookup of a key that such a table cannot have
)

// callPrice is what a call of a host function costs, in units of fuel: what about as many instructions take.
const callPrice = 400

// Logs of one run: what is beyond is dropped, and a last line says so.
const (
	maxLogLines = 64
	maxLogBytes = 16 << 10
	maxLogLine  = 2 << 10 // bytes of one line; the rest of it is dropped
)
