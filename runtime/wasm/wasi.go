package wasm

import (
	"encoding/binary"
	"math"
)

// WASI preview 1, as far as a module needs it to start and run: no files, network, environment or
// arguments. Standard input is empty; standard output and error go to the log. The clocks belong to
// the run: the wall clock stands at the run's instant, the monotonic clock begins at the same
// reading in every run and advances by a microsecond at each reading. Sleeping takes no time and
// advances both. Randomness is derived from the server's key and the event. So no run sees traces
// of another, and a repeated run spends the same fuel.

// Errno values in use.
const (
	wasiSuccess = 0
	wasiBadf    = 8
	wasiInval   = 28
	wasiNosys   = 52
)

// wasiFunctions are all of preview 1. Functions on files fail: no file can be open.
var wasiFunctions = []hostFunction{
	{"args_get", "ii", "i", wasiSucceed},
	{"args_sizes_get", "ii", "i", wasiZeroSizes},
	{"clock_res_get", "ii", "i", (*instance).clockRes},
	{"clock_time_get", "iIi", "i", (*instance).clockTime},
	{"environ_get", "ii", "i", wasiSucceed},
	{"environ_sizes_get", "ii", "i", wasiZeroSizes},
	{"fd_advise", "iIIi", "i", wasiBadFile},
	{"fd_allocate", "iII", "i", wasiBadFile},
	{"fd_close", "i", "i", wasiBadFile},
	{"fd_datasync", "i", "i", wasiBadFile},
	{"fd_fdstat_get", "ii", "i", (*instance).fdStat},
	{"fd_fdstat_set_flags", "ii", "i", wasiBadFile},
	{"fd_fdstat_set_rights", "iII", "i", wasiBadFile},
	{"fd_filestat_get", "ii", "i", wasiBadFile},
	{"fd_filestat_set_size", "iI", "i", wasiBadFile},
	{"fd_filestat_set_times", "iIIi", "i", wasiBadFile},
	{"fd_pread", "iiiIi", "i", wasiBadFile},
	{"fd_prestat_dir_name", "iii", "i", wasiBadFile},
	{"fd_prestat_get", "ii", "i", wasiBadFile},
	{"fd_pwrite", "iiiIi", "i", wasiBadFile},
	{"fd_read", "iiii", "i", (*instance).fdRead},
	{"fd_readdir", "iiiIi", "i", wasiBadFile},
	{"fd_renumber", "ii", "i", wasiBadFile},
	{"fd_seek", "iIii", "i", wasiBadFile},
	{"fd_sync", "i", "i", wasiBadFile},
	{"fd_tell", "ii", "i", wasiBadFile},
	{"fd_write", "iiii", "i", (*instance).fdWrite},
	{"path_create_directory", "iii", "i", wasiBadFile},
	{"path_filestat_get", "iiiii", "i", wasiBadFile},
	{"path_filestat_set_times", "iiiiIIi", "i", wasiBadFile},
	{"path_link", "iiiiiii", "i", wasiBadFile},
	{"path_open", "iiiiiIIii", "i", wasiBadFile},
	{"path_readlink", "iiiiii", "i", wasiBadFile},
	{"path_remove_directory", "iii", "i", wasiBadFile},
	{"path_rename", "iiiiii", "i", wasiBadFile},
	{"path_symlink", "iiiii", "i", wasiBadFile},
	{"path_unlink_file", "iii", "i", wasiBadFile},
	{"poll_oneoff", "iiii", "i", (*instance).pollOneoff},
	{"proc_exit", "i", "", (*instance).procExit},
	{"proc_raise", "i", "i", wasiUnsupported},
	{"random_get", "ii", "i", (*instance).randomGet},
	{"sched_yield", "", "i", wasiSucceed},
	{"sock_accept", "iii", "i", wasiBadFile},
	{"sock_recv", "iiiiii", "i", wasiBadFile},
	{"sock_send", "iiiii", "i", wasiBadFile},
	{"sock_shutdown", "ii", "i", wasiBadFile},
}

func wasiSucceed(in *instance, stack []uint64)     { in.returnErrno(stack, wasiSuccess) }
func wasiBadFile(in *instance, stack []uint64)     { in.returnErrno(stack, wasiBadf) }
func wasiUnsupported(in *instance, stack []uint64) { in.returnErrno(stack, wasiNosys) }

// returnErrno charges for the call and returns e.
func (in *instance) returnErrno(stack []uint64, e uint64) {
	in.charge(callPrice)
	stack[0] = e
}

// wasiZeroSizes reports no arguments, or an empty environment.
func wasiZeroSizes(in *instance, stack []uint64) {
	in.put32(stack[0], 0)
	in.put32(stack[1], 0)
	in.returnErrno(stack, wasiSuccess)
}

func (in *instance) put32(ptr uint64, v uint32) {
	binary.LittleEndian.PutUint32(in.memoryAt(ptr, 4), v)
}

func (in *instance) put64(ptr uint64, v uint64) {
	binary.LittleEndian.PutUint64(in.memoryAt(ptr, 8), v)
}

// clockTick is the advance of the monotonic clock at each reading, in nanoseconds.
const clockTick = 1000

func (in *instance) clockRes(stack []uint64) {
	if uint32(stack[0]) > 3 {
		in.returnErrno(stack, wasiInval)
		return
	}
	in.put64(stack[1], clockTick)
	in.returnErrno(stack, wasiSuccess)
}

// clockTime reads clock 0, the wall clock; 1, the monotonic clock; or 2 and 3, the CPU clocks,
// which equal it.
func (in *instance) clockTime(stack []uint64) {
	id := uint32(stack[0])
	if id > 3 {
		in.returnErrno(stack, wasiInval)
		return
	}
	now := in.clock.wall
	if id > 0 {
		in.clock.monotonic += clockTick
		now = in.clock.monotonic
	}
	in.put64(stack[2], uint64(now))
	in.returnErrno(stack, wasiSuccess)
}

// fdStat describes standard input, output and error as readable or writable character devices.
func (in *instance) fdStat(stack []uint64) {
	const device, appends, read, write = 2, 1, 1 << 1, 1 << 6
	fd := uint32(stack[0])
	if fd > 2 {
		in.returnErrno(stack, wasiBadf)
		return
	}
	stat := in.memoryAt(stack[1], 24)
	clear(stat)
	stat[0] = device
	stat[8] = read
	if fd > 0 {
		stat[2], stat[8] = appends, write
	}
	in.returnErrno(stack, wasiSuccess)
}

func (in *instance) fdRead(stack []uint64) {
	if uint32(stack[0]) != 0 {
		in.returnErrno(stack, wasiBadf)
		return
	}
	in.put32(stack[3], 0)
	in.returnErrno(stack, wasiSuccess)
}

// fdWrite logs output to standard output and error.
func (in *instance) fdWrite(stack []uint64) {
	fd := uint32(stack[0])
	if fd != 1 && fd != 2 {
		in.returnErrno(stack, wasiBadf)
		return
	}
	const vector = 8 // bytes of one iovec
	list, count := stack[1], uint64(uint32(stack[2]))
	if count > 1<<16 {
		in.returnErrno(stack, wasiInval)
		return
	}
	in.charge(int64(count))
	var written uint64
	for i := range count {
		v := in.memoryAt(uint64(uint32(list))+i*vector, vector)
		b := in.memoryAt(uint64(binary.LittleEndian.Uint32(v)), uint64(binary.LittleEndian.Uint32(v[4:])))
		written += uint64(len(b))
		for len(b) > 0 {
			n := min(len(b), copyChunk)
			in.charge(int64(n))
			in.log.write(in.current, int(fd)-1, b[:n])
			b = b[n:]
		}
	}
	in.put32(stack[3], uint32(min(written, math.MaxUint32)))
	in.returnErrno(stack, wasiSuccess)
}

// procExit ends the run, whatever the code: a rule answers by its return value.
func (in *instance) procExit(stack []uint64) {
	in.charge(callPrice)
	in.trap("it called proc_exit with code %d", uint32(stack[0]))
}

func (in *instance) randomGet(stack []uint64) {
	for b := in.memoryAt(stack[0], stack[1]); len(b) > 0; {
		n := min(len(b), copyChunk)
		in.charge(int64(n) >> 1)
		in.randomStream().Read(b[:n])
		b = b[n:]
	}
	in.returnErrno(stack, wasiSuccess)
}
