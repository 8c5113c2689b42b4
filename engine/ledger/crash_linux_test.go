package ledger_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// crashRig starts a worker, cuts it off, and holds the ledger that it leaves against what it has
// said.
type crashRig struct {
	*testing.T
	path   string
	noSync bool
	large  bool

	acked    []string
	started  map[string]bool // steps that were carried out, by their key
	done     map[string]bool
	total    int
	lost     int // acknowledged, and not there; or called finished, and never carried out
	undone   int // on record as done, and open again
	repeated int // carried out again without having been on record
	refused  int // ledgers that could not be opened
	stopped  int // ledgers that stopped by themselves
}

func newCrashRig(t *testing.T, path string) *crashRig {
	r := &crashRig{T: t, path: path}
	r.reset()
	return r
}

// reset begins with a new ledger.
func (r *crashRig) reset() {
	r.acked, r.started, r.done = nil, make(map[string]bool), make(map[string]bool)
	for _, ext := range []string{"", ".id"} {
		if err := os.Remove(r.path + ext); err != nil && !os.IsNotExist(err) {
			r.Fatal(err)
		}
	}
}

// round runs a worker until cut ends it.
func (r *crashRig) round(cut func(*os.Process)) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), worker+"="+r.path)
	if r.noSync {
		cmd.Env = append(cmd.Env, unsync+"=1")
	}
	if r.large {
		cmd.Env = append(cmd.Env, large+"=1")
	}
	out, err := cmd.StdoutPipe()
	must(r.T, err)
	must(r.T, cmd.Start())
	begun, heard := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(heard)
		r.listen(out, sync.OnceFunc(func() { close(begun) }))
	}()
	select {
	case <-begun:
	case <-heard: // it did not come so far
	case <-time.After(time.Second): // the disk is full
	}
	time.Sleep(time.Duration(40+rand.IntN(160)) * time.Millisecond)
	cut(cmd.Process)
	_ = cmd.Process.Kill()
	<-heard
	_ = cmd.Wait()
}

// listen records the lines of a worker; begun is told of the first delivery.
func (r *crashRig) listen(out io.Reader, begun func()) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, what, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "A":
			r.acked = append(r.acked, what)
			r.total++
			begun()
		case "X":
			if r.done[what] {
				r.undone++
			}
			if r.started[what] {
				r.repeated++
			}
			r.started[what] = true
		case "D":
			r.done[what] = true
		default:
			r.stopped++
			r.Log(lines.Text())
		}
	}
}

// verify opens the ledger and looks for everything.
func (r *crashRig) verify() {
	l, err := ledger.Open(ledger.Options{Path: r.path, Step: 4 << 20})
	if err != nil {
		r.refused++
		if !r.noSync {
			r.Error(err)
		}
		return
	}
	defer func() {
		must(r.T, l.Close())
		checkWithBolt(r.T, r.path)
	}()
	states := make(map[string]ledger.State)
	for from := ""; ; {
		p, err := l.List(ledger.Filter{}, from, 1<<20)
		must(r.T, err)
		for _, e := range p.Entries {
			states[e.Key.String()] = e.State
		}
		if from = p.Next; from == "" {
			break
		}
	}
	for _, number := range r.acked {
		if !l.IsKnown(ledger.Key("h", number)) {
			r.lost++
		}
		for _, id := range crashEvents(number) {
			state, ok := states[id.String()]
			if !ok || state == ledger.Finished && !r.started[id.String()] {
				r.lost++
			}
		}
	}
	for key := range r.done {
		if states[key] != ledger.Finished {
			r.undone++
		}
	}
}

func (r *crashRig) report(n int) {
	r.Logf("%d rounds: %d deliveries acknowledged, %d lost, %d steps done twice, %d repeated that were in flight, %d ledgers refused",
		n, r.total, r.lost, r.undone, r.repeated, r.refused)
}

// crashRounds is how many rounds to play.
func crashRounds(few int) int {
	if n, err := strconv.Atoi(os.Getenv(rounds)); err == nil {
		return n
	}
	return few
}

const keepRounds = 8 // a ledger's crashes before the next ledger

// TestKill kills the process at random moments: nothing that it acknowledged is lost, and what it
// had on record as done is done once.
func TestKill(t *testing.T) {
	r := newCrashRig(t, filepath.Join(t.TempDir(), "ledger.db"))
	n := crashRounds(3)
	for i := range n {
		r.round(func(*os.Process) {})
		r.verify()
		if i%keepRounds == keepRounds-1 {
			r.reset()
		}
	}
	r.report(n)
	if r.lost+r.undone+r.refused > 0 || r.total == 0 {
		t.Error("that is not what was promised")
	}
}

// TestKillFullDisk kills the process on a disk that is full of large rows, of which few are
// delivered.
func TestKillFullDisk(t *testing.T) {
	r := newCrashRig(t, filepath.Join(mount(t, "-t", "tmpfs", "-o", "size=48m", "tmpfs"), "ledger.db"))
	r.large = true
	n := crashRounds(6)
	for i := range n {
		r.round(func(*os.Process) {})
		r.verify()
		if i%keepRounds == keepRounds-1 {
			r.reset()
		}
	}
	r.report(n)
	if r.lost+r.undone+r.refused+r.stopped > 0 || r.total == 0 {
		t.Error("that is not what was promised")
	}
}

// TestPowerCut takes the file system away under the process, with all that was not on the disk.
func TestPowerCut(t *testing.T) {
	disk := newDisk(t)
	r := newCrashRig(t, filepath.Join(disk.mount(), "ledger.db"))
	n := crashRounds(3)
	for i := range n {
		r.round(disk.cut)
		disk.remount()
		r.verify()
		if i%keepRounds == keepRounds-1 {
			r.reset()
		}
	}
	r.report(n)
	if r.lost+r.undone+r.refused > 0 || r.total == 0 {
		t.Error("that is not what was promised")
	}
	t.Run("control", func(t *testing.T) {
		r := newCrashRig(t, r.path)
		r.noSync = true
		for range 5 {
			r.round(disk.cut)
			disk.remount()
			r.verify()
			if r.total > 0 && r.lost+r.refused > 0 {
				r.report(1)
				return
			}
			r.reset()
		}
		t.Error("nothing was synced and nothing was lost: this rig proves nothing")
	})
}

// disk is a small file system of its own.
type disk struct {
	*testing.T
	loop, dir string
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("cutting the power of a file system needs root")
	}
	image := filepath.Join(t.TempDir(), "image")
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, 512<<20))
	out, err := exec.Command("losetup", "-f", "--show", image).CombinedOutput()
	if err != nil {
		t.Skipf("losetup: %v: %s", err, out)
	}
	d := &disk{T: t, loop: strings.TrimSpace(string(out)), dir: t.TempDir()}
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", d.loop).Run() })
	if out, err := exec.Command("mkfs.ext4", "-q", d.loop).CombinedOutput(); err != nil {
		t.Skipf("mkfs.ext4: %v: %s", err, out)
	}
	return d
}

func (d *disk) mount() string {
	if out, err := exec.Command("mount", d.loop, d.dir).CombinedOutput(); err != nil {
		d.Skipf("mount: %v: %s", err, out)
	}
	d.Cleanup(func() { _ = exec.Command("umount", d.dir).Run() })
	return d.dir
}

// cut shuts the file system down without writing anything back, its journal included.
func (d *disk) cut(*os.Process) {
	const shutdown, noLogFlush = 0x8004587d, 2 // EXT4_IOC_SHUTDOWN
	dir, err := os.Open(d.dir)
	must(d.T, err)
	defer dir.Close()
	flags := uint32(noLogFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, dir.Fd(), shutdown, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		d.Skipf("shut the file system down: %v", errno)
	}
}

func (d *disk) remount() {
	for _, args := range [][]string{{"umount", d.dir}, {"mount", d.loop, d.dir}} {
		var out []byte
		var err error
		for range 500 { // a process that was killed may take a moment
			if out, err = exec.Command(args[0], args[1:]...).CombinedOutput(); err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if err != nil {
			d.Fatal(fmt.Errorf("%v: %w: %s", args, err, out))
		}
	}
}
