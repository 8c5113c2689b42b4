package gate

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func newLine(header string, secrets ...string) credential.Line {
	l := credential.Line{Header: header}
	for _, s := range secrets {
		l.Secrets = append(l.Secrets, credential.NewSecret([]byte(s)))
	}
	return l
}

func TestMatchCredential(t *testing.T) {
	one := []credential.Credential{{Lines: []credential.Line{newLine("Authorization", "alpha", "beta")}}}
	basic := []credential.Credential{{Lines: []credential.Line{newLine("Authorization", "Basic cGFzcw==")}}}
	phrase := []credential.Credential{{Lines: []credential.Line{newLine("X-Phrase", "open sesame")}}}
	two := []credential.Credential{
		{Lines: []credential.Line{newLine("Authorization", "alpha"), newLine("X-Extra", "gamma")}},
		{Lines: []credential.Line{newLine("x-extra", "delta")}},
	}
	many := []credential.Credential{{Lines: []credential.Line{newLine("A", "1"), newLine("B", "2"), newLine("C", "3"), newLine("D", "4"), newLine("E", "5"), newLine("F", "6")}}}
	tests := []struct {
		name string
		auth []credential.Credential
		raw  string
		want bool
	}{
		{"OneSecret", one, "Authorization: alpha\r\n", true},
		{"OtherLiveSecret", one, "Authorization: beta\r\n", true},
		{"NameInAnyCase", one, "aUtHoRiZaTiOn: beta\r\n", true},
		{"SpaceAround", one, "Authorization: \t beta \t\r\n", true},
		{"Wrong", one, "Authorization: gamma\r\n", false},
		{"Prefix", one, "Authorization: alph\r\n", false},
		{"Longer", one, "Authorization: alphaa\r\n", false},
		{"CaseOfTheValue", one, "Authorization: Alpha\r\n", false},
		{"Empty", one, "Authorization:\r\n", false},
		{"Absent", one, "X-Authorization: alpha\r\n", false},
		{"Twice", one, "Authorization: alpha\r\nauthorization: alpha\r\n", false},
		{"Scheme", basic, "Authorization: Basic cGFzcw==\r\n", true},
		{"SchemeInLowerCase", basic, "Authorization: basic cGFzcw==\r\n", true},
		{"SchemeInUpperCase", basic, "Authorization: BASIC cGFzcw==\r\n", true},
		{"SchemeAndOtherCaseBehind", basic, "Authorization: basic CGFZCW==\r\n", false},
		{"SchemeMissing", basic, "Authorization: cGFzcw==\r\n", false},
		{"OtherScheme", basic, "Authorization: Bearer cGFzcw==\r\n", false},
		{"NoScheme", phrase, "X-Phrase: open sesame\r\n", true},
		{"NoSchemeInOtherCase", phrase, "X-Phrase: Open sesame\r\n", false},
		{"EveryLine", two, "Authorization: alpha\r\nX-Extra: gamma\r\n", true},
		{"OneLineOfTwo", two, "Authorization: alpha\r\n", false},
		{"LinesOfTwoCredentials", two, "Authorization: alpha\r\nX-Extra: delta\r\n", true},
		{"LinesMixedUp", two, "Authorization: gamma\r\nX-Extra: alpha\r\n", false},
		{"SecondCredential", two, "X-Extra: delta\r\n", true},
		{"ManyLines", many, "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\n", true},
		{"ManyLinesButOne", many, "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n", false},
		{"OpenToAll", nil, "", true},
		{"NoLines", []credential.Credential{{}}, "", false},
		{"NoSecrets", []credential.Credential{{Lines: []credential.Line{newLine("A")}}}, "A: 1\r\n", false},
		{"ZeroSecret", []credential.Credential{{Lines: []credential.Line{{Header: "A", Secrets: make([]credential.Secret, 1)}}}}, "A: \r\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := head{auth: credentialHeaders(nil, tt.auth)}
			if _, r := h.parseLines([]byte(tt.raw+"\r\n"), 0); r != admitted {
				t.Fatal("not read")
			}
			if _, got := h.matchCredential(tt.auth, nil); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// newGate makes a Gate for tests that use its methods without a connection.
func newGate(t testing.TB, typ hook.Type) (*Gate, *engine.Engine) {
	t.Helper()
	e, err := engine.New(engine.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	text := "tenterhook: 1\nhooks:\n  - name: hook-a\n    type: " + typ.String() + "\n    auth: none\n    rules:\n      - name: note\n        debug: {by: note}\n"
	s, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(text)}), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e.Swap(s)
	g, err := New(e, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return g, e
}

// newRequest reads a request up to the handler, as a connection and the server do.
func newRequest(t testing.TB, g *Gate, body []byte) *fasthttp.RequestCtx {
	t.Helper()
	text := fmt.Sprintf("POST /hooks/hook-a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))
	c, ctx := &conn{g: g}, new(fasthttp.RequestCtx)
	ctx.Init2(c, discardLogger{}, false)
	told, _, _, r := c.parseNext([]byte(text), nil)
	if r != admitted {
		t.Fatal(r)
	}
	if err := ctx.Request.Header.Read(bufio.NewReader(bytes.NewReader(told))); err != nil {
		t.Fatal(err)
	}
	ctx.Request.SetBody(body)
	return ctx
}

func TestPanicStillAnswers(t *testing.T) {
	g, _ := newGate(t, hook.Registration)
	ctx := newRequest(t, g, sample.Of(hook.Registration))
	c := ctx.Conn().(*conn)
	k := c.hook
	c.hook = &engine.Hook{Rules: k.Rules} // without an engine
	g.answer(ctx, c)
	if ctx.Response.StatusCode() != 200 || !bytes.Equal(ctx.Response.Body(), k.Rules.Failure) || g.panics.Load() != 1 {
		t.Errorf("got %d %q, %d panics", ctx.Response.StatusCode(), ctx.Response.Body(), g.panics.Load())
	}
}

func TestSecretBodiesAreWiped(t *testing.T) {
	for _, typ := range hook.Types() {
		if !typ.Inline() {
			continue
		}
		t.Run(typ.String(), func(t *testing.T) {
			g, _ := newGate(t, typ)
			ctx := newRequest(t, g, sample.Of(typ))
			text := ctx.Request.Body()
			g.serve(ctx)
			if ctx.Response.StatusCode() != 200 {
				t.Fatalf("got %d %q", ctx.Response.StatusCode(), ctx.Response.Body())
			}
			wiped := bytes.Count(text, []byte{0}) == len(text)
			if want := typ == hook.PasswordImport || typ == hook.Telephony; wiped != want {
				t.Errorf("wiped: %v, want %v", wiped, want)
			}
		})
	}
}

// FuzzServe sends any head and any body to the gate. It answers with a status of its table or from
// the rules, and is ready for the next call.
func FuzzServe(f *testing.F) {
	f.Add([]byte("POST /hooks/hook-a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"), []byte("{}"))
	f.Add([]byte("POST /hooks/hook-a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"), sample.Of(hook.Registration))
	f.Add([]byte("POST /hooks/hook-a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n"), []byte(`{"eventType":"com.okta.user.pre-registration","eventId":1}`))
	f.Add([]byte("GET * HTTP/1.0\r\n\r\n"), []byte(`{"eventType":"com.okta.user.pre-registration","eventId":"\ud83d\ude00"}`))
	f.Add([]byte("POST http://x/hooks/hook-a HTTP/1.1\r\nA: 1\r\n b\r\n\r\n"), []byte{0xff})
	f.Add([]byte("POST /hooks/hook-a HTTP/1.1\r\n"), []byte{})
	g, _ := newGate(f, hook.Registration)
	f.Fuzz(func(t *testing.T, text, body []byte) {
		c, ctx := &conn{g: g}, new(fasthttp.RequestCtx)
		ctx.Init2(c, discardLogger{}, false)
		told, _, to, r := c.parseNext(text, nil)
		if len(told) > to {
			t.Errorf("%d bytes of %d are told as %q", to, len(text), told)
		}
		if r == needMore { // the connection waits for more
			return
		}
		if r != admitted {
			c.rejection = r
			g.rejectUnreadable(ctx, errRejected)
		} else if err := ctx.Request.Header.Read(bufio.NewReader(bytes.NewReader(told))); err != nil {
			t.Errorf("the server cannot read %q: %v", told, err)
		} else {
			ctx.Request.SetBody(body)
			g.serve(ctx)
		}
		known := ctx.Response.StatusCode() == 200
		for _, r := range rejections {
			known = known || r.status == ctx.Response.StatusCode()
		}
		if !known || g.panics.Load() > 0 {
			t.Errorf("got %d; %d panics", ctx.Response.StatusCode(), g.panics.Load())
		}
		if err := new(jsondoc.Doc).Parse(ctx.Response.Body(), jsondoc.Limits{}); err != nil && len(ctx.Response.Body()) > 0 {
			t.Errorf("answered with %q: %v", ctx.Response.Body(), err)
		}
	})
}
