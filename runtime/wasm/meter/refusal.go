package meter

import (
	"strconv"
	"strings"
	"unicode"
)

// Refusal is one reason why a module is not accepted.
type Refusal struct {
	Place  string // "function 12", "import 3 (env.memory)", "element segment 0"
	Offset int    // bytes from the module's beginning
	Reason string // "it has 3000 locals, want at most 2000"
}

func (r Refusal) Error() string { return r.Place + ": " + r.Reason }

// Refusals is every reason why a module is not accepted, in the order of the module.
type Refusals []Refusal

func (r Refusals) Error() string {
	all := make([]string, len(r))
	for i, one := range r {
		all[i] = one.Error()
	}
	return strings.Join(all, "\n")
}

// Shown is a name from a module as people are shown it: quoted, when a terminal might obey it or take it for more than one line.
func Shown(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}
