package rules

import (
	"net/netip"

	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/rules/document"
)

// destinationSpec is a destination that is decoded. Values that may need the environment stay in
// nodes.
type destinationSpec struct {
	destination.Spec
	ok    *document.Node
	nodes map[string]*document.Node
}

const (
	textsSchema = `{"type":"object","additionalProperties":{"type":"string"}}`
	countSchema = `{"type":"integer","minimum":1,"maximum":1000}`
	timeSchema  = `{"type":"string"}`
)

var destinationFields = []document.Field[destinationSpec]{
	{Key: "url", Doc: "The https URL that actions are sent to; ${env.NAME} and ${file./path} are filled in.", Schema: document.TextSchema, Read: keep("url")},
	{Key: "file", Doc: "The absolute path of a file that actions are appended to, a line of JSON each.", Schema: document.TextSchema, Read: keep("file")},
	{Key: "stdout", Doc: "Actions are written to standard output, a line of JSON each.", Schema: `{"const":true}`,
		Read: func(d *document.Decoder, s *destinationSpec, n *document.Node) {
			if !d.Bool(n) && n.Kind == document.Bool {
				d.Add(n.Problem("want stdout: true, or another place"))
			}
		}},
	{Key: "method", Doc: "POST when left out.", Schema: `{"enum":["POST","PUT","PATCH","DELETE","GET"]}`,
		Read: func(d *document.Decoder, s *destinationSpec, n *document.Node) {
			s.Method = d.OneOf(n, destination.Methods...)
		}},
	{Key: "path", Doc: "A path beneath the URL's own, for actions that give none.", Schema: document.TextSchema, Read: keep("path")},
	{Key: "query", Doc: "Parameters beside the URL's own.", Schema: textsSchema, Read: keep("query")},
	{Key: "headers", Doc: "Headers of every request; secrets as ${env.NAME} or ${file./path}.", Schema: textsSchema, Read: keep("headers")},
	{Key: "encoding", Doc: "How a body is written: json when left out.", Schema: `{"enum":["json","form"]}`,
		Read: func(d *document.Decoder, s *destinationSpec, n *document.Node) {
			s.Encoding = d.OneOf(n, destination.Encodings...)
		}},
	{Key: "ok", Doc: "A condition over status, headers and body: what a success is. Without it status 2xx is.", Schema: exprSchema,
		Read: func(_ *document.Decoder, s *destinationSpec, n *document.Node) { s.ok = n }},
	{Key: "key", Doc: "The header, or in a line the member, that the idempotency key goes into.", Schema: document.TextSchema, Read: keep("key")},
	{Key: "timeout", Doc: "Of one attempt; 10s when left out.", Schema: timeSchema,
		Read: func(d *document.Decoder, s *destinationSpec, n *document.Node) {
			s.Timeout = d.Duration(n, destination.Timeout.Min, destination.Timeout.Max)
		}},
	{Key: "retry", Doc: "How often and how fast a delivery is tried.", Schema: `{"$ref":"#/$defs/retry"}`,
		Read: func(d *document.Decoder, s *destinationSpec, n *document.Node) {
			document.Decode(d, n, "retry", retryFields, &s.Retry)
		}},
	{Key: "breaker", Doc: "When the destination is left alone for a while.", Schema: `{"$ref":"#/$defs/breaker"}`,
		Read: func(d *document.Decoder, s *destinationSpec, n *document.Node) {
			document.Decode(d, n, "breaker", breakerFields, &s.Breaker)
		}},
	{Key: "concurrency", Doc: "Attempts at one time.", Schema: `{"type":"integer","minimum":1,"maximum":1024}`,
		Read: func(d *document.Decoder, s *destinationSpec, n *document.Node) {
			s.Concurrency = readCount(d, n, destination.Concurrency)
		}},
	{Key: "allow_private", Doc: "Address ranges the destination may be in although they are not public, as in 10.0.0.0/8.", Schema: `{"type":"array","items":{"type":"string"}}`,
		Read: readRanges},
	{Key: "proxy", Doc: "The URL of a proxy; none is used without it.", Schema: document.TextSchema, Read: keep("proxy")},
	{Key: "ca", Doc: "Certificates in PEM to trust instead of the system's, as in ${file./etc/ca.pem}.", Schema: document.TextSchema, Read: keep("ca")},
	{Key: "rotate", Doc: "When the file is put aside and how many are kept.", Schema: `{"$ref":"#/$defs/rotate"}`,
		Read: func(d *document.Decoder, s *destinationSpec, n *document.Node) {
			document.Decode(d, n, "rotate", rotateFields, &s.Rotate)
		}},
}

var retryFields = []document.Field[destination.Retry]{
	{Key: "attempts", Doc: "At most; 20 when left out.", Schema: countSchema,
		Read: func(d *document.Decoder, r *destination.Retry, n *document.Node) {
			r.Attempts = readCount(d, n, destination.Attempts)
		}},
	{Key: "first", Doc: "The wait after the first attempt, doubled each time; 1s when left out.", Schema: timeSchema,
		Read: func(d *document.Decoder, r *destination.Retry, n *document.Node) {
			r.First = d.Duration(n, destination.RetryWait.Min, destination.RetryWait.Max)
		}},
	{Key: "max", Doc: "The longest wait; 15m when left out.", Schema: timeSchema,
		Read: func(d *document.Decoder, r *destination.Retry, n *document.Node) {
			r.Max = d.Duration(n, destination.RetryWait.Min, destination.RetryWait.Max)
		}},
}

var breakerFields = []document.Field[destination.Breaker]{
	{Key: "failures", Doc: "In a row; 5 when left out.", Schema: countSchema,
		Read: func(d *document.Decoder, b *destination.Breaker, n *document.Node) {
			b.Failures = readCount(d, n, destination.Failures)
		}},
	{Key: "rest", Doc: "How long nothing is sent; 30s when left out.", Schema: timeSchema,
		Read: func(d *document.Decoder, b *destination.Breaker, n *document.Node) {
			b.Rest = d.Duration(n, destination.BreakerRest.Min, destination.BreakerRest.Max)
		}},
}

var rotateFields = []document.Field[destination.Rotate]{
	{Key: "size", Doc: "Bytes; 64MiB when left out.", Schema: `{"type":["integer","string"]}`,
		Read: func(d *document.Decoder, r *destination.Rotate, n *document.Node) {
			r.Size = d.Size(n, destination.RotateSize.Max)
		}},
	{Key: "keep", Doc: "Files beside the one that is written to; 5 when left out.", Schema: countSchema,
		Read: func(d *document.Decoder, r *destination.Rotate, n *document.Node) {
			r.Keep = readCount(d, n, destination.RotateKeep)
		}},
}

func readCount(d *document.Decoder, n *document.Node, r destination.Range[int]) int {
	return int(d.Int(n, int64(r.Min), int64(r.Max)))
}

// keep leaves a value in its node.
func keep(key string) func(*document.Decoder, *destinationSpec, *document.Node) {
	return func(_ *document.Decoder, s *destinationSpec, n *document.Node) { s.nodes[key] = n }
}

func readRanges(d *document.Decoder, s *destinationSpec, n *document.Node) {
	s.nodes["allow_private"] = n
	for _, item := range d.Items(n, "allow_private") {
		if item.Kind == document.Broken {
			continue
		}
		p, err := netip.ParsePrefix(item.Text)
		if err != nil || item.Kind != document.Text || !destination.IsRange(p) {
			d.Add(item.Problem("want an address range, as in 10.0.0.0/8 or fd00::/8"))
			continue
		}
		s.AllowPrivate = append(s.AllowPrivate, p.Masked())
	}
}
