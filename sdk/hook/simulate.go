package hook

import (
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// simulation applies patches to the call's own claims, because one operation that does not fit
// makes Okta drop every patch (hooks.md section 4). It does not modify its input: an object is the
// call's with changes laid over it; an array is copied when an operation first enters it. rollBack
// undoes everything since begin.
type simulation struct {
	data    jsondoc.Node           // the call's, once it was looked up
	roots   [AccessToken + 1]int32 // cells, counted from 1; 0: not looked up yet. The first is the assertion's
	cells   []cell
	changes []memberChange
	undo    []undo
	names   []byte // unescaped names
	work    int    // names compared and elements moved since reset
}

// cell is one value that an operation has reached.
type cell struct {
	base   jsondoc.Node // as the call or a draft has it
	kind   jsondoc.Kind // base's, but an empty object for a token without claims
	newest int32        // objects: the newest change, counted from 1
	list   []int32      // opened arrays: a cell, or ^i for the value at base's node i
	opened bool         // list is in use
}

// memberChange is a change to one member of an object.
type memberChange struct {
	name string
	cell int32 // gone: removed
	next int32
}

const removed = -1

// undo is one step back.
type undo struct {
	what undoKind
	cell int32 // the object or array
	at   int32 // the kid or the index
	old  int32
}

type undoKind uint8

const (
	memberAdded undoKind = iota
	memberSet
	itemAdded
	itemSet
	itemRemoved
)

// maxWork limits the cost of simulating one answer to some milliseconds. It allows 700 new claims
// or attributes, far more than any real patch has, and keeps an awkward draft from occupying the
// host.
const maxWork = 1 << 18

func (s *simulation) reset() {
	s.data, s.roots = jsondoc.Node{}, [AccessToken + 1]int32{}
	s.cells, s.changes, s.undo = s.cells[:0], s.changes[:0], s.undo[:0]
	s.names, s.work = s.names[:0], 0
}

// begin clears the undo log: rollBack undoes the changes from here on.
func (s *simulation) begin() { s.undo = s.undo[:0] }

func (s *simulation) cell(n jsondoc.Node) int32 {
	i := len(s.cells)
	if i < cap(s.cells) {
		s.cells = s.cells[:i+1]
	} else {
		s.cells = append(s.cells, cell{})
	}
	c := &s.cells[i]
	c.base, c.kind, c.newest, c.list, c.opened = n, n.Kind(), 0, c.list[:0], false
	return int32(i)
}

// resolveRoot finds the root that a patch changes: a token's claims or, if k is 0, the assertion.
// It returns false for a token that the call does not mint.
func (s *simulation) resolveRoot(k TokenKind, e Event) bool {
	if s.roots[k] != 0 {
		return true
	}
	if s.data.Kind() == jsondoc.Missing {
		s.data = e.Node.Get("data")
	}
	n := s.data
	if k == 0 {
		n = n.Get("assertion")
	} else {
		token := n.Get(k.member())
		if token.Kind() != jsondoc.Object {
			return false
		}
		n = token.Get("claims")
	}
	i := s.cell(n)
	s.cells[i].kind = jsondoc.Object
	s.roots[k] = i + 1
	if k == 0 {
		s.ensureMember(i, "claims")
		s.ensureMember(i, "authentication")
	}
	return true
}

// ensureMember adds a member that patches may extend even if the call does not have it. It is never
// undone.
func (s *simulation) ensureMember(at int32, name string) {
	if s.base(at, name).Kind() > jsondoc.Null {
		return
	}
	made := s.cell(jsondoc.Node{})
	s.cells[made].kind = jsondoc.Object
	s.addChange(at, name, made)
	s.undo = s.undo[:len(s.undo)-1]
}

// fault is why an operation does not fit; empty when it does.
type fault string

const (
	absent      fault = "is not there"
	noContainer fault = "goes through something that is no object or array"
	badIndex    fault = "is no index of the array"
	tooMuchWork fault = "costs too much to try out"
)

// apply applies one operation below root. over reports whether it replaced something or set a
// member of an object, so that a second rule's operation would conflict with it.
func (s *simulation) apply(root int32, op operation, path string, value jsondoc.Node) (over bool, f fault) {
	at := root
	for {
		name, rest := s.nextName(path)
		if rest == "" {
			return s.change(at, op, name, value)
		}
		if at, f = s.descend(at, name); f != "" {
			return false, f
		}
		path = rest
	}
}

// nextName splits the first name off a JSON Pointer and unescapes it; the rest is empty or begins
// with a slash.
func (s *simulation) nextName(path string) (name, rest string) {
	name = path[1:]
	if i := strings.IndexByte(name, '/'); i >= 0 {
		name, rest = name[:i], name[i:]
	}
	if strings.IndexByte(name, '~') < 0 {
		return name, rest
	}
	from := len(s.names)
	s.names = jsondoc.AppendUnescaped(s.names, name)
	return sharedString(s.names[from:]), rest
}

// descend enters the member or element called name.
func (s *simulation) descend(at int32, name string) (int32, fault) {
	switch s.cells[at].kind {
	case jsondoc.Object:
		return s.member(at, name)
	case jsondoc.Array:
		s.openArray(at)
		i, f := s.index(at, name, 0)
		if f != "" {
			return 0, f
		}
		c := &s.cells[at]
		if c.list[i] < 0 {
			made := s.cell(c.base.Sibling(^c.list[i]))
			s.cells[at].list[i] = made
		}
		return s.cells[at].list[i], ""
	}
	return 0, noContainer
}

func (s *simulation) member(at int32, name string) (int32, fault) {
	if k := s.findChange(at, name); k != 0 {
		if s.changes[k-1].cell == removed {
			return 0, absent
		}
		return s.changes[k-1].cell, s.checkWork()
	}
	n := s.base(at, name)
	if n.Kind() == jsondoc.Missing {
		return 0, absent
	}
	made := s.cell(n)
	s.addChange(at, name, made)
	return made, s.checkWork()
}

// findChange finds the change to a member, counted from 1.
func (s *simulation) findChange(at int32, name string) int32 {
	for k := s.cells[at].newest; k != 0; k = s.changes[k-1].next {
		s.work++
		if s.changes[k-1].name == name {
			return k
		}
	}
	return 0
}

func (s *simulation) base(at int32, name string) jsondoc.Node {
	s.work++
	return s.cells[at].base.Get(name)
}

func (s *simulation) addChange(at int32, name string, to int32) {
	s.changes = append(s.changes, memberChange{name: name, cell: to, next: s.cells[at].newest})
	s.cells[at].newest = int32(len(s.changes))
	s.undo = append(s.undo, undo{what: memberAdded, cell: at})
}

func (s *simulation) checkWork() fault {
	if s.work > maxWork {
		return tooMuchWork
	}
	return ""
}

// change does the operation in its last container.
func (s *simulation) change(at int32, op operation, name string, value jsondoc.Node) (over bool, f fault) {
	switch s.cells[at].kind {
	case jsondoc.Object:
		return true, s.changeMember(at, op, name, value)
	case jsondoc.Array:
		return op == opReplace, s.changeItem(at, op, name, value)
	}
	return false, noContainer
}

func (s *simulation) changeMember(at int32, op operation, name string, value jsondoc.Node) fault {
	k := s.findChange(at, name)
	if op != opAdd {
		if k != 0 && s.changes[k-1].cell == removed || k == 0 && s.base(at, name).Kind() == jsondoc.Missing {
			return absent
		}
	}
	to := int32(removed)
	if op != opRemove {
		to = s.cell(value)
	}
	if k == 0 {
		s.addChange(at, name, to)
		return s.checkWork()
	}
	s.undo = append(s.undo, undo{what: memberSet, at: k - 1, old: s.changes[k-1].cell})
	s.changes[k-1].cell = to
	return s.checkWork()
}

func (s *simulation) changeItem(at int32, op operation, name string, value jsondoc.Node) fault {
	s.openArray(at)
	extra := 0
	if op == opAdd {
		extra = 1
	}
	i, f := s.index(at, name, extra)
	if f != "" {
		return f
	}
	to := int32(0)
	if op != opRemove {
		to = s.cell(value)
	}
	c := &s.cells[at]
	switch op {
	case opAdd:
		c.list = slices.Insert(c.list, i, to)
		s.undo = append(s.undo, undo{what: itemAdded, cell: at, at: int32(i)})
	case opReplace:
		s.undo = append(s.undo, undo{what: itemSet, cell: at, at: int32(i), old: c.list[i]})
		c.list[i] = to
	case opRemove:
		s.undo = append(s.undo, undo{what: itemRemoved, cell: at, at: int32(i), old: c.list[i]})
		c.list = slices.Delete(c.list, i, i+1)
	}
	s.work += (len(c.list) - i) / 16 // moved by the machine's own copy
	return s.checkWork()
}

func (s *simulation) openArray(at int32) {
	c := &s.cells[at]
	if c.opened {
		return
	}
	c.opened = true
	s.work += c.base.Len()
	for n := range c.base.Elements() {
		c.list = append(c.list, ^n.Index())
	}
}

// index parses an array index below the array's length plus extra; "-" is the end, if extra is 1.
func (s *simulation) index(at int32, name string, extra int) (int, fault) {
	n := len(s.cells[at].list)
	if name == "-" && extra == 1 {
		return n, ""
	}
	if name == "" || len(name) > 9 || len(name) > 1 && name[0] == '0' || name[0] < '0' || name[0] > '9' {
		return 0, badIndex
	}
	i, err := strconv.Atoi(name)
	if err != nil || i >= n+extra {
		return 0, badIndex
	}
	return i, ""
}

// rollBack undoes everything since begin.
func (s *simulation) rollBack() {
	for i := len(s.undo) - 1; i >= 0; i-- {
		u := s.undo[i]
		switch u.what {
		case memberAdded:
			s.cells[u.cell].newest = s.changes[s.cells[u.cell].newest-1].next
		case memberSet:
			s.changes[u.at].cell = u.old
		case itemAdded:
			s.cells[u.cell].list = slices.Delete(s.cells[u.cell].list, int(u.at), int(u.at)+1)
		case itemSet:
			s.cells[u.cell].list[u.at] = u.old
		case itemRemoved:
			s.cells[u.cell].list = slices.Insert(s.cells[u.cell].list, int(u.at), u.old)
		}
	}
	s.undo = s.undo[:0]
}

// has reports whether the claim is there, as patched so far. To ask is no work of a draft's.
func (s *simulation) has(root int32, name string) bool {
	defer func(work int) { s.work = work }(s.work)
	if k := s.findChange(root, name); k != 0 {
		return s.changes[k-1].cell != removed
	}
	return s.base(root, name).Kind() != jsondoc.Missing
}

// sharedString returns a string that shares b's memory.
func sharedString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
