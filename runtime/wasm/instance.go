package wasm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// instance is one guest. It serves one run at a time and is not safe for concurrent use.
type instance struct {
	program        *Program
	context        context.Context // leads host functions back here; never ends
	module         api.Module
	memory         *linearMemory
	fuel           api.MutableGlobal
	decide         api.Function // or evaluate
	alloc          api.Function // nil if not exported
	restoreGlobals api.Function // meter.Restore
	growMemory     func(pages uint32) (uint32, bool)
	snapshot       *snapshot // initial memory of each run
	monotonicStart int64     // reading of the monotonic clock when a run begins
	waiter         *waiter
	stack          [2]uint64

	// State of the current run.
	current    *runtime.Run
	slice      int64     // fuel handed out and not yet accounted for
	sliceSize  int64     // fuel of the next slice
	sliceStart time.Time // when the slice was handed out
	stackGrown bool      // calls nested deep: release the native stack after the run
	holdsSlot  bool
	endErr     error // why the host ended the run
	clock      clock
	log        runLog
	seeded     bool
	random     *rand.ChaCha8
}

// A slice is the fuel that a guest gets at once. The time for one unit of fuel varies a hundredfold
// between arithmetic and cache misses, so a slice that took longer than sliceTime is followed by a
// smaller one, any other by a larger one. The total fuel of a run does not depend on slices.
const (
	initialSlice = 2_500
	maxSlice     = 10_000
	minSlice     = 500
	sliceTime    = 50 * time.Microsecond
)

// errEnded unwinds a guest that the host has ended.
var errEnded = errors.New("ended by the host")

// newInstance instantiates the module without running any of its code.
func newInstance(p *Program) (*instance, error) {
	in := &instance{program: p, waiter: newWaiter()}
	in.context = context.WithValue(context.Background(), instanceKey{}, in)
	var err error
	if in.memory, err = reserve(uint64(p.maxPages) << 16); err != nil {
		return nil, err
	}
	allocator := experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory { return in.memory })
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	in.module, err = p.module.native.engine.InstantiateModule(experimental.WithMemoryAllocator(in.context, allocator), p.module.native.code, config)
	if err != nil {
		in.memory.Free()
		return nil, fmt.Errorf("%w: %s", runtime.ErrTrap, trapText(err))
	}
	in.fuel = in.module.ExportedGlobal(meter.Fuel).(api.MutableGlobal)
	in.growMemory = in.module.Memory().Grow
	in.bindExports()
	return in, nil
}

// bindExports looks up the exports that every run calls. Each has its own native stack, which grows
// and never shrinks.
func (in *instance) bindExports() {
	in.decide = in.module.ExportedFunction(in.program.module.report.Convention)
	in.alloc = in.module.ExportedFunction(exportAlloc)
	in.restoreGlobals = in.module.ExportedFunction(meter.Restore)
}

func (in *instance) close() { in.module.Close(in.context) }

// beginRun waits for a slot until the deadline and hands the guest its first slice.
func (in *instance) beginRun(r *runtime.Run) error {
	in.current, in.endErr, in.seeded = r, nil, false
	in.clock = clock{wall: r.Now.UnixNano(), monotonic: in.monotonicStart}
	in.memory.resetPeak()
	in.log.reset()
	in.waiter.background = r.Background
	since := in.waitStart()
	in.holdsSlot = in.program.module.runtime.slots.acquire(in.waiter, r.Meter.Deadline())
	if in.pardonWait(since); !in.holdsSlot {
		return in.waitError()
	}
	in.sliceSize, in.sliceStart = initialSlice, time.Now()
	in.slice = in.nextSlice()
	in.fuel.Set(uint64(in.slice))
	return nil
}

// endRun releases the slot.
func (in *instance) endRun() {
	if in.holdsSlot {
		in.program.module.runtime.slots.release()
	}
	in.current, in.holdsSlot = nil, false
}

// waitStart returns the time if the coming wait must not count against the deadline, else zero.
func (in *instance) waitStart() (since time.Time) {
	if in.current.Background {
		since = time.Now()
	}
	return since
}

func (in *instance) pardonWait(since time.Time) {
	if !since.IsZero() {
		in.current.Meter.ExcludeTime(time.Since(since))
	}
}

// waitError returns why a wait ended early.
func (in *instance) waitError() error {
	if !in.current.Meter.CheckTime() {
		return in.current.Meter.Err()
	}
	return runtime.ErrTime
}

// nextSlice returns the fuel for the next slice.
func (in *instance) nextSlice() int64 { return min(in.sliceSize, in.current.Meter.Left()) }

// adaptSliceSize sizes the next slice by the time that the last one took.
func (in *instance) adaptSliceSize() {
	if took := time.Since(in.sliceStart); took > sliceTime {
		in.sliceSize = max(minSlice, in.sliceSize*int64(sliceTime)/int64(took))
	} else {
		in.sliceSize = min(maxSlice, 2*in.sliceSize)
	}
}

// accountFuel spends the fuel that the guest used since the last call, and hands out the next
// slice.
func (in *instance) accountFuel() error {
	spent := in.slice - int64(in.fuel.Get())
	in.slice = 0
	in.fuel.Set(0)
	if !in.current.Meter.Spend(spent) {
		return in.current.Meter.Err()
	}
	in.slice = in.nextSlice()
	in.fuel.Set(uint64(in.slice))
	return nil
}

// yield runs on the guest's own goroutine when its slice is used up, or between chunks of a long
// bulk operation. left is the rest of the slice, negative if the guest owes fuel. Waiting guests
// get the slot first. It returns the next slice, or unwinds the guest.
func (in *instance) yield(left int64) int64 {
	switch left {
	case meter.TooDeep:
		in.trap("its calls nest too deep")
	case meter.StackGrown:
		in.stackGrown = true
		return 0
	}
	in.adaptSliceSize()
	spent := in.slice - left
	in.slice = 0
	in.fuel.Set(0)
	m := in.current.Meter
	if !m.Spend(spent) {
		in.unwind(m.Err())
	}
	since := in.waitStart()
	in.holdsSlot = in.program.module.runtime.slots.yield(in.waiter, m.Deadline())
	if in.pardonWait(since); !in.holdsSlot {
		in.unwind(in.waitError())
	}
	if !m.CheckTime() { // other guests may have held the slot for long
		in.unwind(m.Err())
	}
	in.sliceStart = time.Now()
	in.slice = in.nextSlice()
	return in.slice
}

// charge spends fuel for a host function's work. If there is not enough the run ends.
func (in *instance) charge(n int64) {
	left := int64(in.fuel.Get()) - n
	if left < 0 {
		left = in.yield(left)
	}
	in.fuel.Set(uint64(left))
}

// unwind ends the run from inside a host function.
func (in *instance) unwind(err error) {
	in.endErr = err
	panic(errEnded)
}

// invoke calls an export with the arguments in in.stack.
func (in *instance) invoke(f api.Function) error {
	err := f.CallWithStack(in.context, in.stack[:])
	switch {
	case err == nil:
		return nil
	case in.endErr != nil:
		return in.endErr
	case in.memory.growFailed:
		return fmt.Errorf("%w: it trapped after memory.grow failed above %d bytes", runtime.ErrMemory, in.memory.size)
	}
	// wazero reports a bug in a host function as the guest's trap
	if bug, ok := errors.AsType[goruntime.Error](err); ok {
		panic(bug)
	}
	if strings.Contains(err.Error(), "stack overflow") {
		in.bindExports()
	}
	return fmt.Errorf("%w: %s", runtime.ErrTrap, trapText(err))
}

// trapText returns the first line of a wazero error without its prefix. The other lines are a stack
// trace.
func trapText(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimPrefix(line, "wasm error: ")
}

// run runs the module on r.Event and copies its draft to d.
func (in *instance) run(r *runtime.Run, d *hook.Draft) error {
	defer in.endRun()
	if err := in.beginRun(r); err != nil {
		return err
	}
	err := in.evaluate(d)
	if late := in.accountFuel(); err == nil {
		err = late
	}
	in.log.flush(r)
	return err
}

// evaluate calls the export evaluate or decide and copies the draft.
func (in *instance) evaluate(d *hook.Draft) error {
	if !in.program.module.usesDecide {
		if err := in.passBytes(in.current.Event.Node.Raw()); err != nil {
			return err
		}
	}
	if err := in.invoke(in.decide); err != nil {
		return err
	}
	ptr, size := in.stack[0]>>32, in.stack[0]&0xffffffff
	if size == 0 {
		return nil
	}
	memory := in.memory.bytes()
	if ptr+size > uint64(len(memory)) {
		return fmt.Errorf("%w: the draft it returned is not in its memory: %d bytes at %d", runtime.ErrTrap, size, ptr)
	}
	if !in.current.Meter.Emit(int64(size)) {
		return in.current.Meter.Err()
	}
	d.JSON = append(d.JSON[:0], memory[ptr:ptr+size]...)
	return nil
}

// passBytes writes b to memory from alloc, and leaves its address and length on the stack.
func (in *instance) passBytes(b []byte) error {
	in.stack[0] = uint64(len(b))
	if err := in.invoke(in.alloc); err != nil {
		return fmt.Errorf("alloc: %w", err)
	}
	ptr, memory := uint64(uint32(in.stack[0])), in.memory.bytes()
	switch {
	case ptr == 0:
		return fmt.Errorf("%w: alloc returned 0 for %d bytes", runtime.ErrMemory, len(b))
	case ptr+uint64(len(b)) > uint64(len(memory)):
		return fmt.Errorf("%w: alloc returned an address outside its memory: %d bytes at %d", runtime.ErrTrap, len(b), ptr)
	case !in.current.Meter.Spend(int64(len(b)) >> 4):
		return in.current.Meter.Err()
	}
	copy(memory[ptr:], b)
	in.stack[0], in.stack[1] = ptr, uint64(len(b))
	return nil
}

// restore resets memory, globals and tables to the frozen state.
func (in *instance) restore() error {
	if err := in.memory.shrink(in.snapshot.size, in.growMemory); err != nil {
		return err
	}
	in.snapshot.restore(in.memory.bytes())
	if in.stackGrown {
		in.bindExports()
		in.stackGrown = false
	}
	return in.restoreGlobals.CallWithStack(in.context, nil)
}
