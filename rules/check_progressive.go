package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// progressiveCall is a progressive profile update as far as a condition on sign-ups can see it: it
// has no data.userProfile (hooks.md section 6).
const progressiveCall = `{"eventType":"com.okta.user.pre-registration","requestType":"progressive.profile","data":{"context":{"user":{"id":"00u1"}},"action":"ALLOW","userProfileUpdate":{}}}`

// warnUpdates warns about a denial that is meant for sign-ups and matches every progressive update,
// because a member of data.userProfile is missing there.
func (c *compiler) warnUpdates(spec *ruleSpec, x *expr.Expression) {
	if c.HookType != hook.Registration || c.updatesHandled || spec.module != nil || !spec.denies() || readsUpdates(x) {
		return
	}
	reads := false
	for _, term := range x.Terms() {
		if !readsSignUp(term) {
			continue // it may be true
		}
		reads = true
		if yes, missing := c.matchesUpdate(term); !yes && (!missing || spec.missing != "match") {
			return
		}
	}
	if reads {
		c.Add(spec.when.Warning("rule %q denies progressive profile updates, because an update has no data.userProfile: add requestType != 'progressive.profile' to the condition, or read data.userProfileUpdate too", spec.name))
	}
}

// matchesUpdate tests the condition on a progressive update, as Expression.Match does.
func (c *compiler) matchesUpdate(x *expr.Expression) (yes, missing bool) {
	var doc jsondoc.Doc
	if doc.Parse([]byte(progressiveCall), jsondoc.Limits{}) != nil {
		return false, false
	}
	var meter runtime.Meter
	var run runtime.Run
	now := time.Now()
	meter.Start(runtime.Default, now, time.Time{})
	run.Begin(hook.Event{Call: &hook.Call{Type: c.HookType, Doc: &doc}, Node: doc.Root()}, now, &meter)
	run.Background = true
	yes, missing, err := x.Match(&run)
	return yes && err == nil, missing && err == nil
}

// readsUpdates reports whether the condition tells updates from sign-ups.
func readsUpdates(x *expr.Expression) bool {
	return slices.ContainsFunc(x.Inputs().Paths, func(path string) bool {
		return path == "requestType" || isWithin(path, "data.userProfileUpdate") || isWithin(path, "data.context.user")
	})
}

func readsSignUp(x *expr.Expression) bool {
	return slices.ContainsFunc(x.Inputs().Paths, func(path string) bool { return isWithin(path, "data.userProfile") })
}

// isWithin reports whether path is the member at root or stands below it.
func isWithin(path, root string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '.')
}

// denies reports whether the rule denies: by deny, by error, or by a command.
func (r *ruleSpec) denies() bool {
	return r.output("deny") != nil || r.output("error") != nil || findWord(r.output("commands"), "DENY") != nil
}
