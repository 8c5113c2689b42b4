package rule

import "unsafe"

// host calls the functions of the import module tenterhook. The guest is suspended during a call,
// so pointers stay valid.
type host struct{}

//go:wasmimport tenterhook get
//go:noescape
func hostGet(pointer unsafe.Pointer, pointerLen uint32, buf unsafe.Pointer, size uint32) int32

//go:wasmimport tenterhook get_text
//go:noescape
func hostGetText(pointer unsafe.Pointer, pointerLen uint32, buf unsafe.Pointer, size uint32) int32

//go:wasmimport tenterhook length
//go:noescape
func hostLength(pointer unsafe.Pointer, pointerLen uint32) int32

//go:wasmimport tenterhook lookup
//go:noescape
func hostLookup(table unsafe.Pointer, tableLen uint32, key unsafe.Pointer, keyLen uint32, buf unsafe.Pointer, size uint32) int32

//go:wasmimport tenterhook log
//go:noescape
func hostLog(text unsafe.Pointer, textLen uint32)

//go:wasmimport wasi_snapshot_preview1 proc_exit
func exit(code uint32)

func (host) get(pointer string, buf []byte) int32 {
	return hostGet(text32(pointer), uint32(len(pointer)), bytes32(buf), uint32(len(buf)))
}

func (host) getText(pointer string, buf []byte) int32 {
	return hostGetText(text32(pointer), uint32(len(pointer)), bytes32(buf), uint32(len(buf)))
}

func (host) length(pointer string) int32 { return hostLength(text32(pointer), uint32(len(pointer))) }

func (host) lookup(table, key string, buf []byte) int32 {
	return hostLookup(text32(table), uint32(len(table)), text32(key), uint32(len(key)), bytes32(buf), uint32(len(buf)))
}

func (host) log(text string) { hostLog(text32(text), uint32(len(text))) }

func text32(s string) unsafe.Pointer  { return unsafe.Pointer(unsafe.StringData(s)) }
func bytes32(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

// module keeps the state between calls of exports, and the buffers that the host reads and writes.
var module struct {
	run     run
	in, out []byte
}

//go:wasmexport tenterhook_abi_v1
func mark() {}

//go:wasmexport alloc
func alloc(size uint32) unsafe.Pointer {
	module.in = make([]byte, max(size, 1))
	return bytes32(module.in)
}

//go:wasmexport configure
func configure(with unsafe.Pointer, size uint32) int32 {
	if err := module.run.configure(unsafe.Slice((*byte)(with), size)); err != nil {
		module.run.log(err.Error())
		return 1
	}
	return 0
}

//go:wasmexport decide
func decide() uint64 {
	draft, err := module.run.decide()
	if err != nil {
		module.run.log(err.Error())
		exit(1) // does not return; a panic would write its stack into the log
	}
	module.out = draft
	return uint64(uintptr(bytes32(draft)))<<32 | uint64(len(draft))
}
