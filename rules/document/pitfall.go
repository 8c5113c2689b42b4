package document

import (
	"regexp"
	"strings"
)

// pitfall describes a line whose value is probably an expression, but not valid YAML.
type pitfall struct {
	key     string // the line up to its value
	column  int    // of the value, or of the mistake in it
	message string
}

var (
	keyValue = regexp.MustCompile(`^(\s*(?:- +)*(?:[A-Za-z_][\w./:-]*|"[^"]*"|'[^']*')\s*:\s+)(\S.*)$`)
	flowHole = regexp.MustCompile(`[{,]\s*["']?[\w.-]+["']?\s*:\s*\$?\$\{`)
)

// pitfallAt recognizes an expression with characters that also have a meaning in YAML.
func (s *Source) pitfallAt(n int) (pitfall, bool) {
	line := s.LineText(n)
	m := keyValue.FindStringSubmatch(line)
	if m == nil {
		return pitfall{}, false
	}
	key, value := m[1], strings.TrimRight(m[2], " \t")
	e := pitfall{key: key, column: Columns(key) + 1}
	whole := "quote the whole value" + s.quotedExample(n, value)
	switch {
	case flowHole.MatchString(value) && value[0] == '{':
		at := flowHole.FindStringIndex(value)
		e.column += Columns(strings.TrimRight(value[:at[1]-2], "$"))
		e.message = "inside { } YAML ends the value at the first }: quote each ${ }, or write one member a line"
	case value[0] == '"' || value[0] == '\'':
		e.message = "YAML ends a value that begins with a quote at the second one: " + whole
	case value[0] == '!' || value[0] == '&' || value[0] == '*' || value[0] == '%' || value[0] == '@' || value[0] == '`' || value[0] == '?':
		e.message = "YAML does not allow a value to begin with " + value[:1] + ": " + whole
	case (value[0] == '{' || value[0] == '[') && !strings.HasSuffix(value, "}") && !strings.HasSuffix(value, "]"):
		e.message = "YAML takes a value that begins with " + value[:1] + " for a list or map of its own: " + whole
	case strings.Contains(value, ": "):
		e.column += Columns(value[:strings.Index(value, ": ")])
		e.message = "YAML takes a colon and a space for a key: " + whole
	default:
		return pitfall{}, false
	}
	return e, true
}

// quotedExample shows the value of line n in quotes, unless it is long or may be a secret.
func (s *Source) quotedExample(n int, value string) string {
	if len(value) > 90 || s.secretLines[n] {
		return ""
	}
	return ", as in " + Quote(value)
}

// Quote returns the value as a quoted YAML text, with the quotes that need no escapes where
// possible.
func Quote(value string) string {
	if !strings.Contains(value, "'") {
		return "'" + value + "'"
	}
	if !strings.ContainsAny(value, `"\`) {
		return `"` + value + `"`
	}
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}
