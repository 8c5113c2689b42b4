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

// instance is one guest. A run has it to itself: nothing of it is safe for concurrent use.
type instance struct {
	program        *Program
	context        context.Context // of every call of its exports: it leads host functions back here, and never ends
	module         api.Module
	memory         *linearMemory
	fuel           api.MutableGlobal
	decide         api.Function // or evaluate
	alloc          api.Function // nil when there is none
	restoreGlobals api.Function // meter.Restore
	growMemory     func(pages uint32) (uint32, bool)
	snapshot       *snapshot // memory to go back to
	monotonicStart int64     // what the monotonic clock shows when a run begins
	waiter         *waiter
	stack          [2]uint64

	// Of the run that is under way.
	current    *runtime.Run
	slice      int64     // fuel that was handed out and is not accounted for
	sliceSize  int64     // of the next slice
	sliceStart time.Time // it was handed out
	stackGrown bool      // its calls nested deep: the native stack is to be given up
	holdsSlot  bool      // it holds one
	endErr     error     // why the host has ended it
	clock      clock
	log        runLog
	seeded     bool
	random     *rand.ChaCha8
}

// A slice is how much fuel a guest is handed at once. What a unit takes differs a hundredfold between code that adds and code
// that waits for memory, so a slice that took longer than turn is followed by a smaller one, any other by a larger one.
// What is spent in all does not depend on it.
const (
	initialSlice = 2_500
	maxSlice     = 10_000
	minSlice     = 500
	sliceTime    = 50 * time.Microsecond
)

// errEnded unwinds a guest that the host has ended.
var errEnded = errors.New("ended by the host")

// newInstance makes an instance that nothing of has run yet.
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

// bindExports finds the exports that every run calls. Each has a native stack of its own, which grows and never shrinks.
func (in *instance) bindExports() {
	in.decide = in.module.ExportedFunction(in.program.module.report.Convention)
	in.alloc = in.module.ExportedFunction(exportAlloc)
	in.restoreGlobals = in.module.ExportedFunction(meter.Restore)
}

func (in *instance) close() { in.module.Close(in.context) }

// beginRun begins a run: it waits for a slot until the deadline and hands the guest its first slice.
func (in *instance) beginRun(r *runtime.Run) error {
	in.current, in.endErr, in.seeded = r, nil, false
	in.clock = clock{wall: r.Now.UnixNano(), monotonic: in.monotonicStart}
	in.memory.resetPeak()
	in.log.reset()
	in.waiter.background = r.Behind
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

// endRun ends it.
func (in *instance) endRun() {
	if in.holdsSlot {
		in.program.module.runtime.slots.release()
	}
	in.current, in.holdsSlot = nil, false
}

// waitStart is when a wait begins that is to be pardoned; zero when it is not.
func (in *instance) waitStart() (since time.Time) {
	if in.current.Behind {
		since = time.Now()
	}
	return since
}

func (in *instance) pardonWait(since time.Time) {
	if !since.IsZero() {
		in.current.Meter.Pardon(time.Since(since))
	}
}

// waitError is why a wait has ended before its time.
func (in *instance) waitError() error {
	if !in.current.Meter.Look() {
		return in.current.Meter.Err()
	}
	return runtime.ErrTime
}

// nextSlice is the fuel to hand out.
func (in *instance) nextSlice() int64 { return min(in.sliceSize, in.current.Meter.Left()) }

// adaptSliceSize makes the next slice larger or smaller, given how long the last one took.
func (in *instance) adaptSliceSize() {
	if took := time.Since(in.sliceStart); took > sliceTime {
		in.sliceSize = max(minSlice, in.sliceSize*int64(sliceTime)/int64(took))
	} else {
		in.sliceSize = min(maxSlice, 2*in.sliceSize)
	}
}

// accountFuel accounts for what the guest has spent since it was last asked, and hands it what it may spend next.
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

// yield is called on the guest's own goroutine when its slice is used up, or while it is busy with much memory: left is
// what it has of the slice, below nought when it owes some. Whoever waits for a slot has a turn. It returns the next
// slice, or unwinds the guest.
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
	if !m.Look() { // whoever had the turn may have taken long
		in.unwind(m.Err())
	}
	in.sliceStart = time.Now()
	in.slice = in.nextSlice()
	return in.slice
}

// charge takes fuel for what a host function is about to do. What is not there ends the run.
func (in *instance) charge(n int64) {
	left := int64(in.fuel.Get()) - n
	if left < 0 {
		left = in.yield(left)
	}
	in.fuel.Set(uint64(left))
}

// unwind unwinds the guest from inside a host function.
func (in *instance) unwind(err error) {
	in.endErr = err
	panic(errEnded)
}

// invoke calls an export with what is in in.stack.
func (in *instance) invoke(f api.Function) error {
	err := f.CallWithStack(in.context, in.stack[:])
	switch {
	case err == nil:
		return nil
	case in.endErr != nil:
		return in.endErr
	case in.memory.growFailed:
		return fmt.Errorf("%w: it trapped after it was refused more than %d bytes", runtime.ErrMemory, in.memory.size)
	}
	if bug, ok := errors.AsType[goruntime.Error](err); ok { // of a host function: wazero takes it for the guest's
		panic(bug)
	}
	if strings.Contains(err.Error(), "stack overflow") {
		in.bindExports()
	}
	return fmt.Errorf("%w: %s", runtime.ErrTrap, trapText(err))
}

// trapText is the first line of an error of wazero's, without its prefix. The others are a stack.
func trapText(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimPrefix(line, "wasm error: ")
}

// run runs the module on r.Event. What it wants is copied to d.
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

// evaluate calls evaluate or decide and copies the draft.
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

// passBytes writes b where the module wants it, and leaves its place and length in the stack.
func (in *instance) passBytes(b []byte) error {
	in.stack[0] = uint64(len(b))
	if err := in.invoke(in.alloc); err != nil {
		return fmt.Errorf("alloc: %w", err)
	}
	ptr, memory := uint64(uint32(in.stack[0])), in.memory.bytes()
	switch {
	case ptr == 0:
		return fmt.Errorf("%w: alloc refused %d bytes", runtime.ErrMemory, len(b))
	case ptr+uint64(len(b)) > uint64(len(memory)):
		return fmt.Errorf("%w: what alloc gave is not in its memory: %d bytes at %d", runtime.ErrTrap, len(b), ptr)
	case !in.current.Meter.Spend(int64(len(b)) >> 4):
		return in.current.Meter.Err()
	}
	copy(memory[ptr:], b)
	in.stack[0], in.stack[1] = ptr, uint64(len(b))
	return nil
}

// restore puts memory, globals and tables back to where they were frozen.
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
