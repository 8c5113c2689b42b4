package meter

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Rejection is one reason why a module is not accepted.
type Rejection struct {
	Place  string // "function 12", "import 3 (env.memory)", "element segment 0"
	Offset int    // in bytes from the module's start
	Reason string // "it has 3000 locals, want at most 2000"
}

func (r Rejection) Error() string { return r.Place + ": " + r.Reason }

// Rejections are all reasons why a module is not accepted, in the module's order.
type Rejections []Rejection

func (r Rejections) Error() string {
	all := make([]string, len(r))
	for i, one := range r {
		all[i] = one.Error()
	}
	return strings.Join(all, "\n")
}

// longestName is the longest name in a message, in bytes.
const longestName = 80

// ShortName returns a name for a message: printable, and cut if it is long.
func ShortName(name string) string {
	if len(name) <= longestName {
		return PrintableName(name)
	}
	return fmt.Sprintf("%s… (%d bytes)", PrintableName(strings.ToValidUTF8(name[:longestName], "")), len(name))
}

// PrintableName quotes a name from a module if a terminal could interpret it or it has several
// lines.
func PrintableName(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}
