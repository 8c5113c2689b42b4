package wasm

import (
	"context"
	"fmt"
	"strings"
	"unsafe"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// hostFunction is a function that modules may import. Arguments and result are passed on the stack.
type hostFunction struct {
	name   string
	params string // i for an i32, I for an i64
	result string // "", "i" or "I"
	run    func(in *instance, stack []uint64)
}

// hostFunctions are the functions of the import module tenterhook: see abi.go.
var hostFunctions = []hostFunction{
	{hostGet, "iiii", "i", (*instance).hostGet},
	{hostGetText, "iiii", "i", (*instance).hostGetText},
	{hostLength, "ii", "i", (*instance).hostLength},
	{hostLookup, "iiiiii", "i", (*instance).hostLookup},
	{hostLog, "ii", "", (*instance).hostLog},
}

// abortFunction is called by AssemblyScript when an assertion fails.
var abortFunction = hostFunction{"abort", "iiii", "", (*instance).abort}

// yieldFunction is called by metered code when its slice of fuel is used up.
var yieldFunction = hostFunction{meter.Yield, "I", "I", func(in *instance, stack []uint64) {
	stack[0] = uint64(in.yield(int64(stack[0])))
}}

func valueTypes(s string) []api.ValueType {
	types := make([]api.ValueType, len(s))
	for i, c := range s {
		types[i] = api.ValueTypeI32
		if c == 'I' {
			types[i] = api.ValueTypeI64
		}
	}
	return types
}

// signature returns the function's type as package meter writes it.
func (f *hostFunction) signature() string {
	list := func(s string) string {
		names := make([]string, len(s))
		for i, c := range s {
			names[i] = "i32"
			if c == 'I' {
				names[i] = "i64"
			}
		}
		return strings.Join(names, ", ")
	}
	if len(f.result) == 1 {
		return "(" + list(f.params) + ") -> " + list(f.result)
	}
	return "(" + list(f.params) + ") -> ()"
}

// instanceKey is the context key for the instance, present in every call of its exports.
type instanceKey struct{}

// instantiateHostModules makes the host modules that a module may import from.
func instantiateHostModules(ctx context.Context, engine wazero.Runtime) error {
	hostModules := []struct {
		name      string
		functions []hostFunction
	}{{meter.ImportModule, []hostFunction{yieldFunction}}, {importHost, hostFunctions}, {importWASI, wasiFunctions}, {importEnv, []hostFunction{abortFunction}}}
	for _, hostModule := range hostModules {
		b := engine.NewHostModuleBuilder(hostModule.name)
		for i := range hostModule.functions {
			f := &hostModule.functions[i]
			run := api.GoFunc(func(ctx context.Context, stack []uint64) {
				f.run(ctx.Value(instanceKey{}).(*instance), stack)
			})
			b.NewFunctionBuilder().WithGoFunction(run, valueTypes(f.params), valueTypes(f.result)).Export(f.name)
		}
		if _, err := b.Instantiate(ctx); err != nil {
			return fmt.Errorf("instantiate host module %s: %w", hostModule.name, err)
		}
	}
	return nil
}

// Longest arguments of host functions. Longer ones than any event has would only keep the host busy
// between two checks of the clock.
const (
	maxPointer = 64 << 10 // bytes of a JSON Pointer or a table's name
	maxKey     = 1 << 20  // bytes of a key
)

// memoryAt returns n bytes of the guest's memory at ptr. A range outside the memory ends the run.
func (in *instance) memoryAt(ptr, n uint64) []byte {
	at, size := uint64(uint32(ptr)), uint64(uint32(n)) // the upper halves are undefined
	if memory := in.memory.bytes(); at+size <= uint64(len(memory)) {
		return memory[at : at+size : at+size]
	}
	in.trap("a host function was given %d bytes at %d, which are not in its memory", size, at)
	return nil
}

// textAt is memoryAt as a string. It is valid until the guest runs on.
func (in *instance) textAt(ptr, n uint64) string {
	b := in.memoryAt(ptr, n)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// writeResult writes value to the buffer if it fits, and returns its length.
func (in *instance) writeResult(value string, buf, room uint64) uint64 {
	if len(value) <= int(uint32(room)) {
		in.charge(int64(len(value)) >> 4)
		copy(in.memoryAt(buf, uint64(len(value))), value)
	}
	return uint64(uint32(len(value)))
}

// encodeCode encodes a negative result for the stack.
func encodeCode(c int32) uint64 { return uint64(uint32(c)) }

func (in *instance) hostGet(stack []uint64) {
	n := in.readMember(stack)
	switch n.Kind() {
	case jsondoc.Missing:
		stack[0] = encodeCode(codeMissing)
	case jsondoc.Null:
		stack[0] = encodeCode(codeNull)
	default:
		raw := n.Raw()
		stack[0] = in.writeResult(unsafe.String(unsafe.SliceData(raw), len(raw)), stack[2], stack[3])
	}
}

func (in *instance) hostGetText(stack []uint64) {
	n := in.readMember(stack)
	switch n.Kind() {
	case jsondoc.Missing:
		stack[0] = encodeCode(codeMissing)
	case jsondoc.Null:
		stack[0] = encodeCode(codeNull)
	case jsondoc.String:
		stack[0] = in.writeResult(n.Text(), stack[2], stack[3])
	default:
		stack[0] = encodeCode(codeKind)
	}
}

func (in *instance) hostLength(stack []uint64) {
	n := in.readMember(stack)
	switch n.Kind() {
	case jsondoc.Missing:
		stack[0] = encodeCode(codeMissing)
	case jsondoc.Null:
		stack[0] = encodeCode(codeNull)
	case jsondoc.Array, jsondoc.Object:
		stack[0] = uint64(uint32(n.Len()))
	default:
		stack[0] = encodeCode(codeKind)
	}
}

func (in *instance) hostLookup(stack []uint64) {
	name, key := in.textAt(stack[0], stack[1]), in.textAt(stack[2], stack[3])
	if len(name) > maxPointer || len(key) > maxKey {
		in.trap("lookup: a key of %d bytes, want at most %d", len(key), maxKey)
	}
	in.charge(callPrice + int64(len(name)+len(key)))
	t := in.program.options.Tables[name]
	if t == nil { // the name may contain data of the call: log it like the module's own lines
		in.log.appendLine(in.current, fmt.Sprintf("lookup: the policy has no table %q", name[:min(len(name), 64)]))
		in.trap("lookup: the policy has no table of the name it asked for")
	}
	n := t.Lookup(key)
	switch {
	case n.Kind() == jsondoc.Null:
		stack[0] = encodeCode(codeNull)
	case n.Kind() != jsondoc.Missing:
		raw := n.Raw()
		stack[0] = in.writeResult(unsafe.String(unsafe.SliceData(raw), len(raw)), stack[4], stack[5])
	case t.CanHave(key):
		stack[0] = encodeCode(codeMissing)
	default:
		stack[0] = encodeCode(codeKind)
	}
}

func (in *instance) hostLog(stack []uint64) {
	text := in.textAt(stack[0], stack[1])
	in.charge(callPrice + int64(len(text))>>4)
	in.log.appendLine(in.current, text)
}

// abort ends the run. The message of the failed assertion becomes a log line.
func (in *instance) abort(stack []uint64) {
	in.charge(callPrice)
	in.log.appendLine(in.current, "abort: "+in.assemblyScriptText(stack[0]))
	in.trap("it called abort")
}

// readMember returns the value at the JSON Pointer on the stack, and charges for finding it.
func (in *instance) readMember(stack []uint64) jsondoc.Node {
	pointer := in.textAt(stack[0], stack[1])
	if len(pointer) > maxPointer {
		in.trap("a JSON Pointer of %d bytes: want at most %d", len(pointer), maxPointer)
	}
	in.charge(callPrice + int64(len(pointer)))
	if pointer != "" && pointer[0] != '/' {
		in.trap("a JSON Pointer does not begin with /")
	}
	return in.resolvePointer(in.current.Event.Node, pointer)
}

// resolvePointer is jsondoc.Node.Pointer, but charges for each step before taking it.
func (in *instance) resolvePointer(n jsondoc.Node, pointer string) jsondoc.Node {
	for pointer != "" && n.Kind() != jsondoc.Missing {
		end := strings.IndexByte(pointer[1:], '/') + 1
		if end == 0 {
			end = len(pointer)
		}
		steps := int64(n.Len())
		if n.Kind() == jsondoc.Object {
			steps = min(steps, maxLinearSearch) // larger objects are hashed
		}
		in.charge(10 + 4*steps)
		n, pointer = n.Pointer(pointer[:end]), pointer[end:]
	}
	return n
}

// maxLinearSearch is the largest number of members that jsondoc searches linearly.
const maxLinearSearch = 32

// trap ends the run because the module violated the convention.
func (in *instance) trap(format string, args ...any) {
	in.unwind(fmt.Errorf("%w: "+format, append([]any{runtime.ErrTrap}, args...)...))
}
