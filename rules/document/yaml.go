package document

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	yaml "github.com/goccy/go-yaml"
)

// Limits of a policy file. The parser recurses, and its time grows with the square of the keys of a
// map and of the documents of a file, so the tokens are counted before they are parsed.
const (
	MaxBytes        = 1 << 20
	maxFlowDepth    = 64
	maxMarksPerLine = 64      // "- - - -", "&a &b", "!x !y" in one line
	maxTokens       = 300_000 // names, values, commas, colons
	maxKeys         = 8_000   // of one map
	maxUnusual      = 200     // tags and keys that begin with ?: no policy needs them
	maxValues       = 200_000 // values of one file, each alias counted in full
	maxReparsed     = 2 << 20 // bytes parsed again because of lines that YAML cannot read
)

// reader turns one file into nodes.
type reader struct {
	src      *Source
	problems Problems
	anchors  map[string]*Node
	replaced map[int]bool // lines whose value a placeholder replaces because YAML could not read it
}

// Parse reads a policy file. root is nil when there is nothing to decode; every problem found is in
// problems.
func Parse(src *Source) (root *Node, problems Problems) {
	r := &reader{src: src, anchors: map[string]*Node{}, replaced: map[int]bool{}}
	defer func() {
		if p := recover(); p != nil { // the YAML library panics on some malformed texts
			root, problems = nil, append(r.problems, src.Problem(1, 1, "this file cannot be read as YAML"))
		}
	}()
	file := r.parse()
	if file == nil {
		return nil, r.problems
	}
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			second := r.convert(doc.Body)
			r.problems = append(r.problems, second.Problem("one document a file: a second one begins here, put it into a file of its own"))
			break
		}
		root = r.convert(doc.Body)
	}
	if root != nil && root.weight > maxValues {
		r.problems = append(r.problems, src.Problem(1, 1, fmt.Sprintf("with its aliases written out this file holds more than %d values", maxValues)))
		root = nil
	}
	return root, r.problems
}

// placeholder replaces a value that YAML cannot read.
const placeholder = `"` + "\ue000" + `"`

// parse parses the file. If the value of a line is an expression that YAML cannot read, parse
// reports it, replaces the value by a placeholder and parses again, so that one such line hides no
// other problem.
func (r *reader) parse() *ast.File {
	lines := append([]string(nil), r.src.lines...)
	for spent := 0; ; {
		file, err := parseLines(lines)
		if err == nil {
			return file
		}
		var where yaml.Error
		if !errors.As(err, &where) || where.GetToken() == nil {
			r.problems = append(r.problems, r.src.Problem(1, 1, "this file cannot be read as YAML"))
			return nil
		}
		at := where.GetToken().Position
		n := min(max(at.Line, 1), len(lines))
		e, ok := r.src.pitfallAt(n)
		if spent += r.src.size; ok && !r.replaced[n] && spent < maxReparsed && len(r.replaced) < 50 && !isLimitError(err) {
			r.problems = append(r.problems, r.src.Problem(n, e.column, e.message))
			lines[n-1], r.replaced[n] = e.key+placeholder, true
			continue
		}
		r.problems = append(r.problems, r.src.Problem(n, max(at.Column, 1), "not YAML: "+r.src.explain(n, where.GetMessage())))
		return nil
	}
}

// explain rewords the message of the YAML library about line n, with a remedy for the common
// causes.
func (s *Source) explain(n int, message string) string {
	switch {
	case strings.Contains(message, "\t"):
		return "a tab where YAML wants spaces"
	case message == "value is not allowed in this context":
		return "this does not line up with what is above it"
	case s.secretLines[n] && strings.ContainsAny(message, "\"'`"): // the message quotes the line
		return "want the value in quotes"
	case strings.Contains(message, "must be specified"):
		return message + ": inside { } and [ ], quote a value that holds a bracket or a comma"
	}
	return message
}

func parseLines(lines []string) (*ast.File, error) {
	tokens := lexer.Tokenize(strings.Join(lines, "\n"))
	if err := checkLimits(tokens); err != nil {
		return nil, err
	}
	return parser.Parse(tokens, parser.ParseComments, parser.AllowDuplicateMapKey())
}

// limitError reports a text beyond the limits, which is not parsed.
type limitError struct{ *yaml.SyntaxError }

func isLimitError(err error) bool {
	_, ok := err.(limitError)
	return ok
}

// checkLimits rejects a text that would take the parser too deep or too long.
func checkLimits(tokens token.Tokens) error {
	var m limitCounter
	for i, t := range tokens {
		message := m.count(t)
		if i == maxTokens {
			message = "too much for one file: want tables in files of their own, as .csv or .json"
		}
		if message != "" {
			return limitError{&yaml.SyntaxError{Message: message, Token: t}}
		}
	}
	return nil
}

// limitCounter counts nesting levels, keys, and unusual tokens.
type limitCounter struct {
	depth, line, marks, documents, unusual int
	keys                                   []int                 // keys of the open block maps, by column
	flow                                   [maxFlowDepth + 2]int // keys of the open flow maps, by depth
}

func (m *limitCounter) count(t *token.Token) (problem string) {
	if t.Position.Line != m.line {
		m.line, m.marks = t.Position.Line, 0
		m.keys = m.keys[:min(len(m.keys), max(t.Position.Column, 0)+1)]
	}
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType:
		if m.depth++; m.depth <= maxFlowDepth {
			m.flow[m.depth] = 0
		}
	case token.MappingEndType, token.SequenceEndType:
		m.depth = max(m.depth-1, 0)
	case token.SequenceEntryType, token.AnchorType:
		m.marks++
	case token.MappingKeyType, token.TagType:
		m.marks++
		m.unusual++
	case token.DocumentHeaderType, token.DocumentEndType:
		m.documents++
	case token.MappingValueType:
		if t.Prev != nil && m.countKey(t.Prev.Position.Column) > maxKeys {
			return fmt.Sprintf("more than %d keys in one map: want a table in a file of its own, as .csv or .json", maxKeys)
		}
	}
	if m.depth > maxFlowDepth || m.marks > maxMarksPerLine || t.Position.Column > 2000 && t.Type == token.SequenceEntryType {
		return "lists and maps inside each other, too deep"
	}
	if m.unusual > maxUnusual {
		return "too many tags, or keys that begin with ?"
	}
	if m.documents > 8 {
		return "more than one document in a file"
	}
	return ""
}

// countKey counts a key of the flow map at this depth, or of the block map at a column.
func (m *limitCounter) countKey(column int) int {
	if m.depth > 0 && m.depth <= maxFlowDepth {
		m.flow[m.depth]++
		return m.flow[m.depth]
	}
	column = min(max(column, 0), 2000)
	for len(m.keys) <= column {
		m.keys = append(m.keys, 0)
	}
	m.keys[column]++
	return m.keys[column]
}

func (r *reader) add(t *token.Token, format string, args ...any) {
	r.problems = append(r.problems, r.src.Problem(t.Position.Line, max(t.Position.Column, 1), fmt.Sprintf(format, args...)))
}

func (r *reader) node(n ast.Node, kind Kind) *Node {
	at := n.GetToken().Position
	return &Node{Source: r.src, Kind: kind, Line: at.Line, Column: max(at.Column, 1), weight: 1}
}

func (r *reader) convert(n ast.Node) *Node {
	switch n := n.(type) {
	case *ast.NullNode:
		return r.node(n, Null)
	case *ast.BoolNode:
		b := r.node(n, Bool)
		b.Text = fmt.Sprint(n.Value)
		return b
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return r.number(n)
	case *ast.StringNode:
		return r.string(n)
	case *ast.LiteralNode:
		t := r.node(n, Text)
		t.Text, t.Style = n.Value.Value, block
		return t
	case *ast.SequenceNode:
		return r.list(n)
	case *ast.MappingNode:
		return r.mapping(n)
	case *ast.AnchorNode:
		v := r.convert(n.Value)
		r.anchors[n.Name.GetToken().Value] = v
		return v
	case *ast.AliasNode:
		return r.alias(n)
	case *ast.TagNode:
		at := r.node(n, Broken)
		line := r.src.LineText(at.Line)
		_, rest, _ := strings.Cut(line, n.GetToken().Value)
		r.add(n.GetToken(), "YAML takes a leading ! for a tag: quote the whole value%s", r.src.quotedExample(at.Line, n.GetToken().Value+strings.TrimRight(rest, " ")))
		return at
	}
	r.add(n.GetToken(), "want a value, got YAML of a kind that policies do not use")
	return r.node(n, Broken)
}

var (
	jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	allDigits  = regexp.MustCompile(`^0[0-9_]+$`)
)

// number converts the numbers on which JSON and YAML agree. YAML reads 0123 as octal, which no
// author means.
func (r *reader) number(n ast.Node) *Node {
	v := r.node(n, Number)
	v.Text = n.GetToken().Value
	if jsonNumber.MatchString(v.Text) {
		return v
	}
	remedy := "write it in plain digits"
	if allDigits.MatchString(v.Text) {
		remedy = "quote it when its zeros count, else leave them out"
	}
	shown := v.Text
	if v.isHidden() {
		shown = "this"
	}
	r.add(n.GetToken(), "%s is not a number that JSON has: %s", shown, remedy)
	v.Kind = Broken
	return v
}

func (r *reader) string(n *ast.StringNode) *Node {
	t := r.node(n, Text)
	t.Text = n.Value
	switch n.Token.Type {
	case token.SingleQuoteType:
		t.Style = single
	case token.DoubleQuoteType:
		t.Style = double
		if r.replaced[t.Line] && t.Text == "\ue000" {
			t.Kind = Broken
		}
	default:
		if jsonNumber.MatchString(t.Text) { // 12e3, and integers beyond 64 bits
			t.Kind = Number
		}
		if c := n.GetComment(); c != nil && len(c.Comments) > 0 && c.Comments[0].Token.Position.Line == t.Line {
			t.Comment, t.CommentColumn = c.Comments[0].Token.Value, c.Comments[0].Token.Position.Column
		}
	}
	return t
}

func (r *reader) list(n *ast.SequenceNode) *Node {
	l := r.node(n, List)
	for _, v := range n.Values {
		item := r.convert(v)
		l.Items = append(l.Items, item)
		l.weight = addWeights(l.weight, item.weight)
	}
	return l
}

func addWeights(a, b int) int {
	if a > math.MaxInt/2 || b > math.MaxInt/2 {
		return math.MaxInt / 2
	}
	return a + b
}

func (r *reader) alias(n *ast.AliasNode) *Node {
	name := n.Value.GetToken().Value
	if v, ok := r.anchors[name]; ok {
		return v
	}
	r.add(n.GetToken(), "YAML takes a leading * for an alias, and nothing is anchored by its name: quote the whole value if it is an expression")
	return r.node(n, Broken)
}

func (r *reader) mapping(n *ast.MappingNode) *Node {
	m := r.node(n, Map)
	seen := make(map[string]*Node, len(n.Values))
	var merged []*Node
	for i, pair := range n.Values {
		if pair.Key.IsMergeKey() {
			merged = append(merged, r.merge(pair)...)
			continue
		}
		key := r.key(pair)
		if i == 0 && !n.IsFlowStyle && key != nil {
			m.Line, m.Column = key.Line, key.Column
		}
		value := r.convert(pair.Value)
		if key == nil {
			continue
		}
		if first := seen[key.Text]; first != nil {
			r.add(pair.Key.GetToken(), "%s is there twice, first on line %d", key.DescribeKey("key"), first.Line)
			continue
		}
		seen[key.Text] = key
		m.Members = append(m.Members, Member{key.Text, key, value})
		m.weight = addWeights(m.weight, value.weight)
	}
	for _, from := range merged {
		for _, b := range from.Members {
			if seen[b.Key] == nil {
				seen[b.Key] = b.KeyNode
				m.Members = append(m.Members, b)
				m.weight = addWeights(m.weight, b.Value.weight)
			}
		}
	}
	return m
}

// key converts the key of a pair. It returns nil and reports a problem if the key is not a name.
func (r *reader) key(pair *ast.MappingValueNode) *Node {
	switch k := pair.Key.(type) {
	case *ast.StringNode:
		t := r.node(k, Text)
		t.Text = k.Value
		return t
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		t := r.node(k, Text)
		t.Text = k.GetToken().Value
		return t
	}
	r.add(pair.Key.GetToken(), "want a name before the colon; a value that begins with ? or { is quoted whole")
	return nil
}

// merge returns the maps that a << key merges: one map or a list of maps.
func (r *reader) merge(pair *ast.MappingValueNode) []*Node {
	v := r.convert(pair.Value)
	maps := []*Node{v}
	if v.Kind == List {
		maps = v.Items
	}
	for _, m := range maps {
		if m.Kind != Map && m.Kind != Broken {
			r.add(pair.Value.GetToken(), "<< wants a map or a list of maps, got %s", m.Describe())
		}
	}
	return maps
}
