package wasm

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unsafe"

	"github.com/tenterhook/tenterhook/runtime"
)

// runLog collects the log lines of one run up to a limit.
type runLog struct {
	lines, bytes int
	full         bool
	partial      [2][]byte // incomplete lines of stdout and stderr
}

// reset prepares for the next run.
func (l *runLog) reset() {
	l.lines, l.bytes, l.full = 0, 0, false
	l.partial[0], l.partial[1] = l.partial[0][:0], l.partial[1][:0]
}

// appendLine adds one line, cut to maxLogLine. It copies text.
func (l *runLog) appendLine(r *runtime.Run, text string) {
	if l.full || r == nil {
		return
	}
	text = text[:min(len(text), maxLogLine)]
	l.lines++
	if l.bytes += len(text); l.lines > maxLogLines || l.bytes > maxLogBytes {
		l.full = true
		r.Logs = append(r.Logs, "(further output is dropped)")
		return
	}
	r.Logs = append(r.Logs, strings.ToValidUTF8(strings.Clone(text), "\ufffd"))
}

// write takes output for stdout (0) or stderr (1), and adds each complete line.
func (l *runLog) write(r *runtime.Run, stream int, b []byte) {
	for len(b) > 0 && !l.full {
		line, rest, ends := bytes.Cut(b, []byte{'\n'})
		room := maxLogLine - len(l.partial[stream])
		l.partial[stream] = append(l.partial[stream], line[:min(len(line), room)]...)
		if ends {
			l.flushLine(r, stream)
		}
		b = rest
	}
}

func (l *runLog) flushLine(r *runtime.Run, stream int) {
	part := l.partial[stream]
	l.appendLine(r, unsafe.String(unsafe.SliceData(part), len(part)))
	l.partial[stream] = part[:0]
}

// flush adds the incomplete lines.
func (l *runLog) flush(r *runtime.Run) {
	for stream, part := range l.partial {
		if len(part) > 0 {
			l.flushLine(r, stream)
		}
	}
}

// assemblyScriptText reads an AssemblyScript string: UTF-16, preceded by its length in bytes. It
// returns "" for an invalid pointer.
func (in *instance) assemblyScriptText(ptr uint64) string {
	const most = 256 // bytes
	memory, at := in.memory.bytes(), uint64(uint32(ptr))
	if at < 4 || at > uint64(len(memory)) {
		return ""
	}
	size := uint64(memory[at-4]) | uint64(memory[at-3])<<8 | uint64(memory[at-2])<<16 | uint64(memory[at-1])<<24
	size = min(size, most) &^ 1
	if size == 0 || at+size > uint64(len(memory)) {
		return ""
	}
	units := make([]uint16, 0, most/2)
	for i := at; i < at+size; i += 2 {
		units = append(units, uint16(memory[i])|uint16(memory[i+1])<<8)
	}
	return string(utf16.Decode(units))
}
