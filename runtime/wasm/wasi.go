package wasm

import (
	"encoding/binary"
	"math"
)

// WASI preview 1, as much of it as a module needs to begin and to run: no files, no network, no environment, no arguments.
// Standard input is at its end; standard output and error go to the log. The clocks are the run's own: the wall clock
// stands at the run's instant, the monotonic clock begins at the same reading in every run and moves by a microsecond each
// time it is read. Sleeping takes no time and moves both. Randomness is a stream that the server's key and the event
// determine. So nothing of one run shows in another, and the same run spends the same fuel again.

// The errno values that are given.
const (
	wasiSuccess = 0
	wasiBadf    = 8
	wasiInval   = 28
	wasiNosys   = 52
)

// wasiFunctions are all of preview 1. Whatever takes a file that cannot be open says so.
var wasiFunctions = []hostFunction{
	{"args_get", "ii", "i", wasiNothing},
	{"args_sizes_get", "ii", "i", wasiSizes},
	{"clock_res_get", "ii", "i", (*instance).clockRes},
	{"clock_time_get", "iIi", "i", (*instance).clockTime},
	{"environ_get", "ii", "i", wasiNothing},
	{"environ_sizes_get", "ii", "i", wasiSizes},
	{"fd_advise", "iIIi", "i", wasiNoFile},
	{"fd_allocate", "iII", "i", wasiNoFile},
	{"fd_close", "i", "i", wasiNoFile},
	{"fd_datasync", "i", "i", wasiNoFile},
	{"fd_fdstat_get", "ii", "i", (*instance).fdStat},
	{"fd_fdstat_set_flags", "ii", "i", wasiNoFile},
	{"fd_fdstat_set_rights", "iII", "i", wasiNoFile},
	{"fd_filestat_get", "ii", "i", wasiNoFile},
	{"fd_filestat_set_size", "iI", "i", wasiNoFile},
	{"fd_filestat_set_times", "iIIi", "i", wasiNoFile},
	{"fd_pread", "iiiIi", "i", wasiNoFile},
	{"fd_prestat_dir_name", "iii", "i", wasiNoFile},
	{"fd_prestat_get", "ii", "i", wasiNoFile},
	{"fd_pwrite", "iiiIi", "i", wasiNoFile},
	{"fd_read", "iiii", "i", (*instance).fdRead},
	{"fd_readdir", "iiiIi", "i", wasiNoFile},
	{"fd_renumber", "ii", "i", wasiNoFile},
	{"fd_seek", "iIii", "i", wasiNoFile},
	{"fd_sync", "i", "i", wasiNoFile},
	{"fd_tell", "ii", "i", wasiNoFile},
	{"fd_write", "iiii", "i", (*instance).fdWrite},
	{"path_create_directory", "iii", "i", wasiNoFile},
	{"path_filestat_get", "iiiii", "i", wasiNoFile},
	{"path_filestat_set_times", "iiiiIIi", "i", wasiNoFile},
	{"path_link", "iiiiiii", "i", wasiNoFile},
	{"path_open", "iiiiiIIii", "i", wasiNoFile},
	{"path_readlink", "iiiiii", "i", wasiNoFile},
	{"path_remove_directory", "iii", "i", wasiNoFile},
	{"path_rename", "iiiiii", "i", wasiNoFile},
	{"path_symlink", "iiiii", "i", wasiNoFile},
	{"path_unlink_file", "iii", "i", wasiNoFile},
	{"poll_oneoff", "iiii", "i", (*instance).poll},
	{"proc_exit", "i", "", (*instance).exit},
	{"proc_raise", "i", "i", wasiNone},
	{"random_get", "ii", "i", (*instance).random},
	{"sched_yield", "", "i", wasiNothing},
	{"sock_accept", "iii", "i", wasiNoFile},
	{"sock_recv", "iiiiii", "i", wasiNoFile},
	{"sock_send", "iiiii", "i", wasiNoFile},
	{"sock_shutdown", "ii", "i", wasiNoFile},
}

func wasiNothing(in *instance, stack []uint64) { in.errno(stack, wasiSuccess) }
func wasiNoFile(in *instance, stack []uint64)  { in.errno(stack, wasiBadf) }
func wasiNone(in *instance, stack []uint64)    { in.errno(stack, wasiNosys) }

// errno charges for the call and returns e.
func (in *instance) errno(stack []uint64, e uint64) {
	in.charge(callPrice)
	stack[0] = e
}

// wasiSizes says that there are no arguments, or no environment.
func wasiSizes(in *instance, stack []uint64) {
	in.put32(stack[0], 0)
	in.put32(stack[1], 0)
	in.errno(stack, wasiSuccess)
}

func (in *instance) put32(ptr uint64, v uint32) {
	binary.LittleEndian.PutUint32(in.bytes(ptr, 4), v)
}

func (in *instance) put64(ptr uint64, v uint64) {
	binary.LittleEndian.PutUint64(in.bytes(ptr, 8), v)
}

// tick is what the monotonic clock moves by when it is read, in nanoseconds.
const tick = 1000

func (in *instance) clockRes(stack []uint64) {
	if uint32(stack[0]) > 3 {
		in.errno(stack, wasiInval)
		return
	}
	in.put64(stack[1], tick)
	in.errno(stack, wasiSuccess)
}

// clockTime reads clock 0, the wall clock; 1, the monotonic one; or 2 and 3, of the processor, which go with it.
func (in *instance) clockTime(stack []uint64) {
	id := uint32(stack[0])
	if id > 3 {
		in.errno(stack, wasiInval)
		return
	}
	now := in.clock.wall
	if id > 0 {
		in.clock.steady += tick
		now = in.clock.steady
	}
	in.put64(stack[2], uint64(now))
	in.errno(stack, wasiSuccess)
}

// fdStat says of standard input, output and error that they are character devices that can be read or written.
func (in *instance) fdStat(stack []uint64) {
	const device, appends, read, write = 2, 1, 1 << 1, 1 << 6
	fd := uint32(stack[0])
	if fd > 2 {
		in.errno(stack, wasiBadf)
		return
	}
	stat := in.bytes(stack[1], 24)
	clear(stat)
	stat[0] = device
	stat[8] = read
	if fd > 0 {
		stat[2], stat[8] = appends, write
	}
	in.errno(stack, wasiSuccess)
}

func (in *instance) fdRead(stack []uint64) {
	if uint32(stack[0]) != 0 {
		in.errno(stack, wasiBadf)
		return
	}
	in.put32(stack[3], 0)
	in.errno(stack, wasiSuccess)
}

// fdWrite takes down what is written to standard output and error.
func (in *instance) fdWrite(stack []uint64) {
	fd := uint32(stack[0])
	if fd != 1 && fd != 2 {
		in.errno(stack, wasiBadf)
		return
	}
	const vector = 8 // bytes of one iovec
	list, count := stack[1], uint64(uint32(stack[2]))
	if count > 1<<16 {
		in.errno(stack, wasiInval)
		return
	}
	in.charge(int64(count))
	var written uint64
	for i := range count {
		v := in.bytes(uint64(uint32(list))+i*vector, vector)
		b := in.bytes(uint64(binary.LittleEndian.Uint32(v)), uint64(binary.LittleEndian.Uint32(v[4:])))
		written += uint64(len(b))
		for len(b) > 0 {
			n := min(len(b), piece)
			in.charge(int64(n))
			in.log.write(in.run, int(fd)-1, b[:n])
			b = b[n:]
		}
	}
	in.put32(stack[3], uint32(min(written, math.MaxUint32)))
	in.errno(stack, wasiSuccess)
}

// exit ends the run, whatever the code: a rule answers by what it returns.
func (in *instance) exit(stack []uint64) {
	in.charge(callPrice)
	in.trap("it called proc_exit with code %d", uint32(stack[0]))
}

func (in *instance) random(stack []uint64) {
	for b := in.bytes(stack[0], stack[1]); len(b) > 0; {
		n := min(len(b), piece)
		in.charge(int64(n) >> 1)
		in.stream().Read(b[:n])
		b = b[n:]
	}
	in.errno(stack, wasiSuccess)
}
