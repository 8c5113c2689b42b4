package expr_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// TestMisplacedMembers: paths that some of Okta's articles have get the real place.
func TestMisplacedMembers(t *testing.T) {
	for _, tt := range []struct {
		typ       hook.Type
		src, want string
	}{
		{hook.Token, `data.context.url.value`, "unknown field url, did you mean request.url?"},
		{hook.PasswordImport, `data.credential.username`, "unknown field credential, did you mean context.credential?"},
		{hook.Token, `data.context.user.profile.timezone`, "unknown field timezone, did you mean timeZone?"},
		{hook.SAML, `data.context.user.profile.department`, "Okta sends only login, firstName, lastName, locale and timeZone here"},
	} {
		t.Run(tt.src, func(t *testing.T) {
			_, err := expr.Compile(tt.src, expr.NewEnv(expr.Options{Type: tt.typ}))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if _, err := expr.Compile(tt.src, expr.NewEnv(expr.Options{Type: tt.typ, Known: []string{tt.src}})); err != nil {
				t.Errorf("a known path has a problem: %v", err)
			}
		})
	}
}

// TestSamplesMatchSchema: every member of a published call has a known path, the known kind, and a
// known text.
func TestSamplesMatchSchema(t *testing.T) {
	for _, name := range sample.Names() {
		text, _ := sample.Named(name)
		t.Run(name, func(t *testing.T) { checkSample(t, text) })
	}
	published, _ := filepath.Glob(filepath.Join(os.Getenv("TENTERHOOK_SAMPLES"), "*-request-*.json"))
	for _, name := range published {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(name), func(t *testing.T) { checkSample(t, text) })
	}
}

func checkSample(t *testing.T, text []byte) {
	var d jsondoc.Doc
	if err := d.Parse(text, jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	root := d.Root()
	at := slices.IndexFunc(hook.Types(), func(t hook.Type) bool { return t.EventType() == root.Get("eventType").Text() })
	if at < 0 {
		t.Fatalf("no type is called %s", root.Get("eventType").Text())
	}
	kind := hook.Types()[at]
	if kind != hook.EventHook {
		for name, member := range root.Members() {
			checkMember(t, kind, &d, root, name, member)
		}
		return
	}
	for name, member := range root.Members() {
		checkMember(t, kind, &d, root, "delivery."+name, member)
	}
	for event := range hook.Events(root).Elements() {
		checkMember(t, kind, &d, event, "event", event)
	}
}

// checkMember reads the member at the path, and all members inside it, from the event.
func checkMember(t *testing.T, kind hook.Type, d *jsondoc.Doc, event jsondoc.Node, path string, n jsondoc.Node) {
	switch n.Kind() {
	case jsondoc.Object:
		for name, member := range n.Members() {
			step := "." + name
			if strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || name == "" {
				step = fmt.Sprintf("[%q]", name)
			}
			checkMember(t, kind, d, event, path+step, member)
		}
		return
	case jsondoc.Array:
		i := 0
		for item := range n.Elements() {
			checkMember(t, kind, d, event, fmt.Sprintf("%s[%d]", path, i), item)
			i++
		}
		return
	}
	src := path + " == " + string(n.Raw())
	if n.Kind() == jsondoc.Null {
		src = path + " == nil"
	}
	w := &harness{t: t, env: expr.NewEnv(expr.Options{Type: kind})}
	x, err := expr.Compile(src, w.env)
	if err != nil {
		t.Errorf("%s: %v", src, err)
		return
	}
	r := w.begin(`{}`, runtime.Budget{})
	r.Event = hook.Event{Call: &hook.Call{Doc: d}, Node: event}
	if yes, err := x.Test(r); !yes || err != nil {
		t.Errorf("%s: %v %v", src, yes, err)
	}
}

func TestSchemaMistakes(t *testing.T) {
	tests := []struct {
		kind hook.Type
		src  string
		want []string // line:column: message, of every problem
	}{
		// What is no member.
		{hook.EventHook, `event.client.geographicalContext.contry == "x"`, []string{`1:34: unknown field contry, did you mean country?`}},
		{hook.EventHook, `event.client.ipChain[0].geographicalContext.geolocation.long > 1`, []string{`1:57: unknown field long, did you mean lon?`}},
		{hook.EventHook, `event.securityContext.asNumbr == 1`, []string{`1:23: unknown field asNumbr, did you mean asNumber?`}},
		{hook.EventHook, `event.securityContext.risk.level == "HIGH"`, nil},
		{hook.EventHook, `event.debugContext.debugDat.x == 1`, []string{`1:20: unknown field debugDat, did you mean debugData?`}},
		{hook.EventHook, `event.authenticationContext.issuer.name == "x"`, []string{`1:36: unknown field name`}},
		{hook.EventHook, `any(event.target, .displayname == "x")`, []string{`1:20: unknown field displayname, did you mean displayName?`}},
		{hook.EventHook, `event.target[0].changeDetails.form == 1`, []string{`1:31: unknown field form, did you mean from?`}},
		{hook.Token, `data.context.protocol.request.clientId == "x"`, []string{`1:31: unknown field clientId, did you mean client_id?`}},
		{hook.Token, `data.context.protocol.request.nonce == "x" and data.identity.claims.anything == 1`, nil},
		{hook.Registration, `data.userProfile.ownAttribute == 3`, nil},
		// What has another kind.
		{hook.Registration, `data.userProfile.email > 3`, []string{`1:24: > wants two numbers or two texts, got a text and a number`}},
		{hook.Registration, `data.userProfile.email[0] == "a"`, []string{`1:23: [ ] wants a list or an object, got a text`}},
		{hook.Registration, `any(data.userProfile.login, # == "a")`, []string{`1:22: any wants a list, got a text`}},
		{hook.Registration, `data.userProfile == "a" or data.userProfile + "a" == "b"`, []string{
			`1:18: an object is never equal to a text`, `1:45: + wants a number or a text, got an object`}},
		{hook.Registration, `data.userProfile.employeeNumber == 7 or data.userProfile.employeeNumber == "007"`, nil},
		{hook.Registration, `data.userProfile.employeeNumber == true`, []string{`1:33: a number or a text is never equal to a boolean`}},
		{hook.Registration, `eventTypeVersion == "1.0" or eventTypeVersion == 1.0`, nil},
		{hook.Telephony, `data.messageProfile.otpCode[0] == "1"`, []string{`1:28: [ ] wants a list or an object, got a number or a text`}},
		{hook.Token, `data.identity.claims.auth_time > "2026"`, []string{`1:32: > wants two numbers or two texts, got a number and a text`}},
		{hook.Token, `"pwd" == data.identity.claims.amr`, []string{`1:7: a text is never equal to a list`}},
		{hook.Token, `data.access.claims.scp contains "openid"`, []string{`1:24: contains looks into a text: want VALUE in LIST`}},
		{hook.Token, `upper(data.access.claims.scp) in data.context.session.amr`, []string{`1:26: upper wants a text, got a list`}},
		{hook.Token, `any(data.access.claims.scp, # > 3)`, []string{`1:31: > wants two numbers or two texts, got a text and a number`}},
		{hook.Token, `data.access.claims.scp["openid"] == 1`, []string{`1:23: a list has no members`}},
		{hook.Token, `data.access.claims.scp[eventType] == ""`, []string{`1:23: the index between [ and ] wants a number, got a text`}},
		{hook.Token, `data.context.session.mfaActive matches "t"`, []string{`1:22: matches on its left wants a text, got a boolean`}},
		{hook.EventHook, `event.target.type == "User"`, []string{`1:14: a list has no members: want any(LIST, .type …) or find(LIST, …).type`}},
		{hook.EventHook, `"User" in event.target`, []string{`1:8: in cannot compare a text with an object`}},
		{hook.EventHook, `event.client.geographicalContext.geolocation.lat > "1"`, []string{`1:50: > wants two numbers or two texts, got a number and a text`}},
		{hook.EventHook, `event.debugContext.debugData.anything > 3`, nil},
		// What is never sent.
		{hook.EventHook, `event.outcome.result == "FAILED"`, []string{`1:25: Okta never sends "FAILED" here, did you mean FAILURE?`}},
		{hook.EventHook, `"Success" != event.outcome.result`, []string{`1:1: Okta never sends "Success" here, did you mean SUCCESS?`}},
		{hook.EventHook, `event.severity in ["WARN", "WARNING", "FATAL"]`, []string{
			`1:28: Okta never sends "WARNING" here, did you mean WARN?`,
			`1:39: Okta never sends "FATAL" here: want DEBUG, INFO, WARN or ERROR`}},
		{hook.EventHook, `event.severity not in vars.domains`, []string{
			`1:28: Okta never sends "a.example" here: want DEBUG, INFO, WARN or ERROR`,
			`1:28: Okta never sends "b.example" here: want DEBUG, INFO, WARN or ERROR`}},
		{hook.EventHook, `event.severity startsWith "Err"`, []string{`1:27: Okta sends nothing here that startsWith "Err": it sends DEBUG, INFO, WARN or ERROR`}},
		{hook.EventHook, `event.severity matches "^(err|fat)"`, []string{`1:24: Okta sends nothing here that matches "^(err|fat)": it sends DEBUG, INFO, WARN or ERROR`}},
		{hook.EventHook, `event.severity matches "(?i)^err" and event.severity endsWith "R"`, nil},
		{hook.EventHook, `let s = event.severity; s == "warn"`, []string{`1:30: Okta never sends "warn" here, did you mean WARN?`}},
		{hook.EventHook, `(event.severity ?? "none") == "none" or lower(event.severity) == "warn"`, nil},
		{hook.EventHook, `event.transaction.type == "web"`, []string{`1:27: Okta never sends "web" here, did you mean WEB?`}},
		{hook.EventHook, `event.transaction.type == "CRON"`, nil},
		{hook.Token, `data.context.protocol.request.grant_type == "client-credentials"`, []string{
			`1:45: Okta never sends "client-credentials" here, did you mean client_credentials?`}},
		{hook.Token, `data.context.protocol.request.grant_type == "urn:ietf:params:oauth:grant-type:device_code"`, nil},
		{hook.Token, `data.context.protocol.type == "OAUTH2"`, []string{`1:31: Okta never sends "OAUTH2" here, did you mean OAUTH2.0?`}},
		{hook.Registration, `requestType == "progressive_profile"`, []string{`1:16: Okta never sends "progressive_profile" here, did you mean progressive.profile?`}},
		{hook.Registration, `data.action == "DENY"`, []string{`1:16: Okta never sends "DENY" here: want ALLOW`}},
		{hook.UserImport, `data.action.result == "LINK"`, []string{`1:23: Okta never sends "LINK" here, did you mean LINK_USER?`}},
		{hook.Telephony, `requestType endsWith "mfa-verification"`, nil},
		{hook.EventHook, `target(event.target, "user") == nil`, []string{`1:22: Okta never sends "user" here, did you mean User?`}},
		{hook.EventHook, `len(targets(event.target, "AppInstanc")) > 0`, []string{`1:27: Okta never sends "AppInstanc" here, did you mean AppInstance?`}},
		{hook.EventHook, `any(event.target, .type == "usergroup")`, []string{`1:28: Okta never sends "usergroup" here, did you mean UserGroup?`}},
		{hook.EventHook, `target(event.target, "PolicyRule") == nil and target([{"type": "user"}], "user") != nil`, nil},
		// What is no place.
		{hook.EventHook, `distance(event.client.geographicalContext, {"latitude": 5, "longitude": 5}) > 10`, []string{
			`1:44: distance wants an object with lat and lon, or with a geolocation that has them, got one with latitude, longitude`}},
		{hook.EventHook, `distance({"lat": event.client.geographicalContext.geolocation.lat, "lon": 500}, event.client.geographicalContext) > 10`, []string{
			`1:10: distance wants lat from -90 to 90 and lon from -180 to 180`}},
		{hook.EventHook, `distance({"geolocation": {"lat": "5", "lon": 5}}, event.client.geographicalContext) > 10`, []string{
			`1:10: distance wants lat from -90 to 90 and lon from -180 to 180`}},
		{hook.EventHook, `distance(event.client.geographicalContext, vars) > 10`, []string{
			`1:44: distance wants an object with lat and lon, or with a geolocation that has them, got one with company, domains, limits`}},
		{hook.EventHook, `distance({"lat": 1, "lon": event.client.geographicalContext.geolocation.lon}, {"geolocation": event.client}) > 10`, nil},
		{hook.Telephony, `requestType endsWith ".mfa"`, []string{`1:22: Okta sends nothing here that endsWith ".mfa": it sends ` +
			`com.okta.user.telephony.pre-enrollment, com.okta.user.telephony.mfa-verification, com.okta.user.telephony.account-unlock or com.okta.user.telephony.password-reset`}},
		// What is never given.
		{hook.Registration, `domain(data.userProfile.email) == "Example.com"`, []string{`1:35: domain never gives "Example.com": want "example.com"`}},
		{hook.Registration, `lower(data.userProfile.email) in ["a@b.example", "C@d.example"]`, []string{`1:50: lower never gives "C@d.example": want "c@d.example"`}},
		{hook.Registration, `upper(data.userProfile.city) != "Paris"`, []string{`1:33: upper never gives "Paris": want "PARIS"`}},
		// Several at once, in order.
		{hook.EventHook, `event.severty == "x" and event.severity == "x" and upper(event.target) == 1 and event.actor.id > 3`, []string{
			`1:7: unknown field severty, did you mean severity?`, `1:44: Okta never sends "x" here: want DEBUG, INFO, WARN or ERROR`,
			`1:64: upper wants a text, got a list`, `1:72: a text is never equal to a number`,
			`1:96: > wants two numbers or two texts, got a text and a number`}},
		// Paths that the policy adds.
		{hook.SAML, `device.id == "x"`, nil},
		{hook.SAML, `data.context.protocol.type == "WSFED" or data.context.protocol.type[0] == 1`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			o := options(t, tt.kind)
			o.Known = append(o.Known, "data.context.protocol.type", "device")
			if tt.kind == hook.Token {
				o.Known = nil
			}
			_, err := expr.Compile(tt.src, expr.NewEnv(o))
			if got := lines(err); strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestListOfWrongWords: a long list that is not written out gets few problems.
func TestListOfWrongWords(t *testing.T) {
	var long strings.Builder
	for i := range 5_000 {
		fmt.Fprintf(&long, `"word%d",`, i)
	}
	vars := new(jsondoc.Doc)
	if err := vars.Parse([]byte(`{"long": [`+long.String()+`"word"]}`), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	x, err := expr.Compile(`eventType in vars.long`, expr.NewEnv(expr.Options{Type: hook.Registration, Vars: vars.Root()}))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(x.Warnings()); n != 10 {
		t.Errorf("%d doubts", n)
	}
}
