package document

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Members reads a map, such as vars or tables.
func (d *Decoder) Members(n *Node, what string) []Member {
	if n.Kind != Map {
		d.Add(n.Problem("want %s as a map of names, got %s", what, n.Describe()))
		return nil
	}
	return n.Members
}

// Items reads a list.
func (d *Decoder) Items(n *Node, what string) []*Node {
	if n.Kind != List {
		d.Add(n.Problem("want %s as a list, got %s", what, n.Describe()))
		return nil
	}
	return n.Items
}

// OneOrMore reads the value of `on`: a text, or a list of at least one text.
func (d *Decoder) OneOrMore(n *Node) []*Node {
	if n.Kind == Text {
		return []*Node{n}
	}
	if n.Kind == List && len(n.Items) == 0 {
		d.Add(n.Problem("want an event type, got an empty list, which is for no event at all"))
	}
	return d.Items(n, "on")
}

// Texts reads a text or a list of texts.
func (d *Decoder) Texts(n *Node, what string) []*Node {
	each := []*Node{n}
	if n.Kind != Text {
		each = d.Items(n, what)
	}
	if n.Kind == List && len(each) == 0 {
		d.Add(n.Problem("want %s, got an empty list", what))
	}
	return slices.DeleteFunc(slices.Clone(each), func(n *Node) bool { return n.Kind == Broken || d.Text(n) == "" })
}

var (
	// NamePattern matches the names of hooks, orgs and destinations.
	NamePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	pathPattern = regexp.MustCompile(`^/[A-Za-z0-9._~!$&'()*+,;=:@/-]*$`)
)

// Name reads a name that matches NamePattern.
func (d *Decoder) Name(n *Node) string {
	if n.Kind == Number {
		n = &Node{Source: n.Source, Line: n.Line, Column: n.Column, Kind: Text, Text: n.Text}
	}
	name := d.Text(n)
	if name != "" && (!NamePattern.MatchString(name) || len(name) > 64) {
		d.Add(n.Problem("want a name of up to 64 lower-case letters, digits and hyphens, got %q", name))
		return ""
	}
	return name
}

// URLPath reads the path of a URL, without a query and without escapes.
func (d *Decoder) URLPath(n *Node) string {
	path := d.Text(n)
	if path == "" {
		return ""
	}
	if !pathPattern.MatchString(path) || len(path) > 512 || strings.Contains(path, "//") || strings.Contains(path, "/../") {
		d.Add(n.Problem("want a URL path such as /hooks/signup, without a query and without escapes, got %q", path))
		return ""
	}
	return path
}

// Int reads a whole number within bounds.
func (d *Decoder) Int(n *Node, least, most int64) int64 {
	v, err := strconv.ParseInt(n.Text, 10, 64)
	if n.Kind != Number || err != nil || v < least || v > most {
		d.Add(n.Problem("want a whole number from %d to %d, got %s", least, most, n.Describe()))
		return 0
	}
	return v
}

// Duration reads a duration such as 200ms within bounds.
func (d *Decoder) Duration(n *Node, least, most time.Duration) time.Duration {
	v, err := time.ParseDuration(n.Text)
	if n.Kind != Text || err != nil || v < least || v > most {
		got := n.Describe()
		if n.Kind == Text && n.Text != "" {
			got = strconv.Quote(n.Text)
		}
		d.Add(n.Problem("want a time such as 200ms, from %s to %s, got %s", least, most, got))
		return 0
	}
	return v
}

var units = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"KB", 1000}, {"MB", 1000_000}}

// Size reads a number of bytes such as 64KiB, up to most.
func (d *Decoder) Size(n *Node, most int64) int64 {
	digits, unit := n.Text, int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(n.Text, u.suffix); ok {
			digits, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	v, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || v < 1 || v*unit > most {
		got := n.Describe()
		if n.Kind == Text && n.Text != "" {
			got = strconv.Quote(n.Text)
		}
		d.Add(n.Problem("want a size such as 64KiB, at most %d bytes, got %s", most, got))
		return 0
	}
	return v * unit
}
