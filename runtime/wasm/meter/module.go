package meter

import (
	"bytes"
	"fmt"
	"strings"
)

// module is an uploaded module. Its indexes are those of the upload.
type module struct {
	src        []byte
	options    Options
	rejections Rejections

	types       []funcType
	imports     []importEntry
	funcs       []uint32 // type index of each function, imports first
	tables      []table
	memories    []limits
	globals     []global
	exports     []exportEntry
	start       int64 // function index, -1: none
	elements    []elementSegment
	dataCount   int64    // -1: not announced
	bodies      [][2]int // start and end of each function's body
	data        [][2]int // start and end of each segment's bytes
	dataBody    [2]int   // of the section
	customBytes int      // bytes of custom sections
	nameSection [2]int   // where the names are
	goLinked    bool     // see Module.GoLinked

	imported struct{ funcs, tables, memories, globals int }
	partial  bool // a section is unreadable, so counts are unknown

	inlinePrice     []int32 // by defined function: price if its callers pay for it, else 0
	plans           []plan
	declared        []bool // functions that ref.func may name
	changedTables   []bool // tables that instructions write to
	grownTables     []bool // tables that instructions grow
	droppedSegments struct{ data, elements bool }
	totals          struct{ locals, moves int } // over all functions read so far

	addedTypes  []funcType // appended to types
	typeOf      map[string]uint32
	helpers     []helper // appended to funcs
	helperIndex map[helperKey]uint32
}

type funcType struct{ params, results []byte }

type importEntry struct {
	module, name string
	kind         byte
	at           int
	desc         [2]int // bytes behind the kind
	index        int    // among imports of its kind
}

type limits struct {
	min, max uint32
	bounded  bool
}

type table struct {
	elem byte
	limits
}

type global struct {
	kind    byte
	mutable bool
	expr    expr
}

type exportEntry struct {
	name  string
	kind  byte
	index uint32
}

// elementSegment is one element segment. Function indexes are those of the upload.
type elementSegment struct {
	flags, table uint32
	offset       [2]int
	kind         byte // the kind byte behind the flags, if they require one
	refs         []expr
}

// expr is a constant expression of one instruction.
type expr struct {
	op    byte
	index uint32
	at    [2]int
}

// Kinds of imports and exports.
const (
	kindFunc = iota
	kindTable
	kindMemory
	kindGlobal
)

var kindNames = [...]string{"func", "table", "memory", "global"}

// maxRejections limits the reasons reported for one module.
const maxRejections = 100

func (m *module) reject(at int, place, reason string) {
	if len(m.rejections) < maxRejections {
		m.rejections = append(m.rejections, Rejection{Place: place, Offset: at, Reason: reason})
	}
}

func (m *module) rejectf(at int, place, format string, args ...any) {
	if len(m.rejections) < maxRejections {
		m.reject(at, place, fmt.Sprintf(format, args...))
	}
}

// checkMax rejects a value above its maximum.
func (m *module) checkMax(at int, place, what string, n, bound int) bool {
	if n > bound {
		m.rejectf(at, place, "%s: %d, want at most %d", what, n, bound)
		return false
	}
	return true
}

// section describes how to read a section.
type section struct {
	name  string
	order int
	read  func(*module, *reader)
}

var sections = [...]section{
	1:  {"types", 1, (*module).readTypes},
	2:  {"imports", 2, (*module).readImports},
	3:  {"functions", 3, (*module).readFunctions},
	4:  {"tables", 4, (*module).readTables},
	5:  {"memory", 5, (*module).readMemories},
	6:  {"globals", 6, (*module).readGlobals},
	7:  {"exports", 7, (*module).readExports},
	8:  {"start", 8, (*module).readStart},
	9:  {"elements", 9, (*module).readElements},
	10: {"code", 11, (*module).readCode},
	11: {"data", 12, (*module).readData},
	12: {"data count", 10, (*module).readDataCount},
}

// decode reads everything except function bodies. It rejects an unreadable section and skips it.
func (m *module) decode() {
	m.partial = true
	if !bytes.HasPrefix(m.src, []byte("\x00asm")) {
		m.reject(0, "module", "it is not WebAssembly: want \\0asm first")
		return
	}
	if !bytes.HasPrefix(m.src[4:], []byte{1, 0, 0, 0}) {
		reason := "it is not of version 1"
		if bytes.HasPrefix(m.src[4:], []byte{0x0d, 0, 1, 0}) {
			reason = "it is a component, want a core module"
		}
		m.reject(4, "module", reason)
		return
	}
	m.partial = false
	r := reader{src: m.src, pos: 8, end: len(m.src)}
	for last := 0; r.more(); {
		at := r.pos
		id := r.byte()
		body := r.subReader(r.u32())
		if body.failure != "" || r.failure != "" {
			m.rejectf(at, "module", "section %d is longer than the module", id)
			m.partial = true
			return
		}
		last = m.readSection(id, at, last, &body)
	}
	m.checkCounts()
}

// readSection reads one section and returns the order of the last ordered one.
func (m *module) readSection(id byte, at, last int, body *reader) int {
	if id == 0 {
		m.readCustom(body)
		return last
	}
	if int(id) >= len(sections) {
		reason := "there is no such section"
		if id == 13 {
			reason = "it uses exceptions"
		}
		m.reject(at, fmt.Sprintf("section %d", id), reason)
		m.partial = true
		return last
	}
	s := &sections[id]
	place := "section " + s.name
	if s.order <= last {
		m.reject(at, place, "it comes twice or too late")
		m.partial = true
		return last
	}
	n := len(m.rejections)
	s.read(m, body)
	switch {
	case body.failure != "":
		m.reject(body.pos, place, body.failure)
		m.partial = true
	case body.pos != body.end && len(m.rejections) == n:
		m.rejectf(body.pos, place, "it has %d bytes too many", body.end-body.pos)
	}
	return s.order
}

// checkCounts rejects sections that contradict each other.
func (m *module) checkCounts() {
	defined := len(m.funcs) - m.imported.funcs
	if defined != len(m.bodies) && !m.partial {
		m.partial = true
		m.rejectf(0, "section code", "it has %d functions, want %d as announced", len(m.bodies), defined)
	}
	if m.dataCount >= 0 && m.dataCount != int64(len(m.data)) && len(m.rejections) == 0 {
		m.rejectf(0, "section data", "it has %d segments, want %d as announced", len(m.data), m.dataCount)
	}
	if len(m.memories) > 1 {
		m.reject(0, "section memory", "it uses multiple memories")
	}
}

func (m *module) readCustom(r *reader) {
	place := "custom section"
	m.customBytes += r.end - r.pos
	m.checkMax(r.pos, place, "bytes of all custom sections", m.customBytes, m.options.Limits.Custom)
	name := r.name()
	if r.failure != "" {
		m.reject(r.pos, place, r.failure)
	}
	switch name {
	case "name":
		m.nameSection = [2]int{r.pos, r.end}
	case "go:buildid":
		m.goLinked = true
	}
}

// text writes a function type as "(i32, i32) -> i64".
func (t funcType) text() string {
	var b strings.Builder
	list := func(of []byte) {
		b.WriteByte('(')
		for i, v := range of {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(typeName(v))
		}
		b.WriteByte(')')
	}
	list(t.params)
	b.WriteString(" -> ")
	if len(t.results) == 1 {
		b.WriteString(typeName(t.results[0]))
		return b.String()
	}
	list(t.results)
	return b.String()
}
