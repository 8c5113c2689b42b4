package rules

import (
	"net/netip"
	"time"
)

// destinationSpec is a destination as it is written: what needs the environment stays in nodes.
type destinationSpec struct {
	Destination
	ok    *node
	nodes map[string]*node
}

const (
	textsSchema = `{"type":"object","additionalProperties":{"type":"string"}}`
	countSchema = `{"type":"integer","minimum":1,"maximum":1000}`
	timeSchema  = `{"type":"string"}`
)

var destinationFields = []field[destinationSpec]{
	{key: "url", doc: "The https URL that actions are sent to; ${env.NAME} and ${file./path} are filled in.", schema: textSchema, read: keep("url")},
	{key: "file", doc: "The absolute path of a file that actions are appended to, a line of JSON each.", schema: textSchema, read: keep("file")},
	{key: "stdout", doc: "Actions are written to standard output, a line of JSON each.", schema: `{"const":true}`,
		read: func(d *decoder, s *destinationSpec, n *node) {
			if s.Stdout = d.bool(n); !s.Stdout && n.kind == boolNode {
				d.add(n.problem("want stdout: true, or another place"))
			}
		}},
	{key: "method", doc: "POST when left out.", schema: `{"enum":["POST","PUT","PATCH","DELETE","GET"]}`,
		read: func(d *decoder, s *destinationSpec, n *node) {
			s.Method = d.oneOf(n, "POST", "PUT", "PATCH", "DELETE", "GET")
		}},
	{key: "path", doc: "A path beneath the URL's own, for actions that give none.", schema: textSchema, read: keep("path")},
	{key: "query", doc: "Parameters beside the URL's own.", schema: textsSchema, read: keep("query")},
	{key: "headers", doc: "Headers of every request; secrets as ${env.NAME} or ${file./path}.", schema: textsSchema, read: keep("headers")},
	{key: "encoding", doc: "How a body is written: json when left out.", schema: `{"enum":["json","form"]}`,
		read: func(d *decoder, s *destinationSpec, n *node) { s.Encoding = d.oneOf(n, "json", "form") }},
	{key: "ok", doc: "A condition over status, headers and body: what a success is. Without it status 2xx is.", schema: exprSchema,
		read: func(_ *decoder, s *destinationSpec, n *node) { s.ok = n }},
	{key: "key", doc: "The header, or in a line the member, that the idempotency key goes into.", schema: textSchema, read: keep("key")},
	{key: "timeout", doc: "Of one attempt; 10s when left out.", schema: timeSchema,
		read: func(d *decoder, s *destinationSpec, n *node) {
			s.Timeout = d.duration(n, 10*time.Millisecond, 2*time.Minute)
		}},
	{key: "retry", doc: "How often and how fast a delivery is tried.", schema: `{"$ref":"#/$defs/retry"}`,
		read: func(d *decoder, s *destinationSpec, n *node) {
			decode(d, n, "retry", retryFields, &s.Retry)
			if s.Retry.Max > 0 && s.Retry.First > s.Retry.Max {
				d.add(n.problem("want first to be at most max, got %s and %s", s.Retry.First, s.Retry.Max))
			}
		}},
	{key: "breaker", doc: "When the destination is left alone for a while.", schema: `{"$ref":"#/$defs/breaker"}`,
		read: func(d *decoder, s *destinationSpec, n *node) { decode(d, n, "breaker", breakerFields, &s.Breaker) }},
	{key: "concurrency", doc: "Attempts at one time.", schema: `{"type":"integer","minimum":1,"maximum":1024}`,
		read: func(d *decoder, s *destinationSpec, n *node) { s.Concurrency = int(d.int(n, 1, 1024)) }},
	{key: "allow_private", doc: "Address ranges the destination may be in although they are not public, as in 10.0.0.0/8.", schema: `{"type":"array","items":{"type":"string"}}`,
		read: readRanges},
	{key: "proxy", doc: "The URL of a proxy; none is used without it.", schema: textSchema, read: keep("proxy")},
	{key: "ca", doc: "Certificates in PEM to trust instead of the system's, as in ${file./etc/ca.pem}.", schema: textSchema, read: keep("ca")},
	{key: "rotate", doc: "When the file is put aside and how many are kept.", schema: `{"$ref":"#/$defs/rotate"}`,
		read: func(d *decoder, s *destinationSpec, n *node) { decode(d, n, "rotate", rotateFields, &s.Rotate) }},
}

var retryFields = []field[Retry]{
	{key: "attempts", doc: "At most; 20 when left out.", schema: countSchema,
		read: func(d *decoder, r *Retry, n *node) { r.Attempts = int(d.int(n, 1, 1000)) }},
	{key: "first", doc: "The wait after the first attempt, doubled each time; 1s when left out.", schema: timeSchema,
		read: func(d *decoder, r *Retry, n *node) { r.First = d.duration(n, time.Millisecond, 24*time.Hour) }},
	{key: "max", doc: "The longest wait; 15m when left out.", schema: timeSchema,
		read: func(d *decoder, r *Retry, n *node) { r.Max = d.duration(n, time.Millisecond, 24*time.Hour) }},
}

var breakerFields = []field[Breaker]{
	{key: "failures", doc: "In a row; 5 when left out.", schema: countSchema,
		read: func(d *decoder, b *Breaker, n *node) { b.Failures = int(d.int(n, 1, 1000)) }},
	{key: "rest", doc: "How long nothing is sent; 30s when left out.", schema: timeSchema,
		read: func(d *decoder, b *Breaker, n *node) { b.Rest = d.duration(n, time.Millisecond, time.Hour) }},
}

var rotateFields = []field[Rotate]{
	{key: "size", doc: "Bytes; 64MiB when left out.", schema: `{"type":["integer","string"]}`,
		read: func(d *decoder, r *Rotate, n *node) {
			if r.Size = d.size(n, 1<<40); r.Size > 0 && r.Size < 1<<10 {
				d.add(n.problem("want at least 1KiB, got %d bytes", r.Size))
			}
		}},
	{key: "keep", doc: "Files beside the one that is written to; 5 when left out.", schema: countSchema,
		read: func(d *decoder, r *Rotate, n *node) { r.Keep = int(d.int(n, 1, 1000)) }},
}

// keep leaves a value where it is.
func keep(key string) func(*decoder, *destinationSpec, *node) {
	return func(_ *decoder, s *destinationSpec, n *node) { s.nodes[key] = n }
}

func readRanges(d *decoder, s *destinationSpec, n *node) {
	s.nodes["allow_private"] = n
	for _, item := range d.items(n, "allow_private") {
		if item.kind == brokenNode {
			continue
		}
		p, err := netip.ParsePrefix(item.text)
		if err != nil || item.kind != textNode || p.Addr().Is4In6() || p.Addr().Zone() != "" {
			d.add(item.problem("want an address range, as in 10.0.0.0/8 or fd00::/8"))
			continue
		}
		s.AllowPrivate = append(s.AllowPrivate, p.Masked())
	}
}
