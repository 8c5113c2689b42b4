package engine

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// decisionLog logs the rules' failures and texts, with a limit of lines per second: a rule that
// fails usually fails on every call.
type decisionLog struct {
	log     *slog.Logger
	limit   int64
	second  atomic.Int64 // in Unix time
	lines   atomic.Int64 // written or wanted in that second
	dropped atomic.Uint64
}

// logFailure logs that a rule failed. The error's text may contain values from the call; if the
// call has a password or a one-time code, only the reason is logged.
func (n *decisionLog) logFailure(h *Hook, call string, rule int, err error) {
	if !n.allow() {
		return
	}
	attrs := hookAttrs(h, "eventId", truncateID(call), "rule", h.ruleStats[rule].rule, "at", h.Rules.RuleAt(rule), "reason", runtime.Reason(err))
	if !h.Rules.Type.HasSecrets() {
		attrs = append(attrs, "error", truncate(redactError(err)))
	}
	n.log.Warn("a rule failed", attrs...)
}

// redactError is the error's text without names that a payload may have put into a draft.
func redactError(err error) string {
	if refused, ok := errors.AsType[*hook.ContractError](err); ok {
		return refused.Redacted()
	}
	return err.Error()
}

// logText logs the text of a rule's `log:` or of a module. It skips a module's text if the call has
// a password or a one-time code.
func (n *decisionLog) logText(h *Hook, call string, l rules.Log) {
	if l.Module && h.Rules.Type.HasSecrets() {
		return
	}
	if n.allow() {
		n.log.Info("a rule logged a text", hookAttrs(h, "eventId", truncateID(call), "rule", l.Rule, "text", truncate(l.Text))...)
	}
}

// logUnrecorded logs that a delivery was rejected. Okta will retry once and then drop it.
func (n *decisionLog) logUnrecorded(h *Hook, err error) {
	if n.allow() {
		n.log.Error("a delivery was not recorded", hookAttrs(h, "error", truncate(err.Error()))...)
	}
}

// logUnsplit logs a delivery that is kept as a dead letter, because its events cannot be found.
func (n *decisionLog) logUnsplit(h *Hook, id string, err error) {
	if n.allow() {
		n.log.Error("a delivery cannot be split into events: it is kept whole and becomes a dead letter",
			hookAttrs(h, "eventId", truncateID(id), "error", truncate(err.Error()))...)
	}
}

// logUnreadable logs an inline call that got the failure answer because of its body.
func (n *decisionLog) logUnreadable(h *Hook, err error) {
	if n.allow() {
		n.log.Error("the body of a call cannot be read: the failure answer went out", hookAttrs(h, "error", truncate(err.Error()))...)
	}
}

// logUnauthorized logs a request without a right secret: one a minute for each hook, since anybody
// can send requests. hint may be empty.
func (n *decisionLog) logUnauthorized(h *Hook, from netip.Addr, hint string) {
	if !firstInMinute(&h.stats.unauthorizedLogged) {
		return
	}
	attrs := hookAttrs(h, "from", from.String(), "times", h.stats.unauthorized.Load())
	if hint != "" {
		attrs = append(attrs, "hint", hint)
	}
	n.log.Warn("a caller did not present the credentials of a hook", attrs...)
}

// logForeign logs that a call with the hook's credentials came from another org: once a minute for
// each hook.
func (n *decisionLog) logForeign(h *Hook, event, host string, from netip.Addr) {
	if firstInMinute(&h.stats.foreignLogged) {
		n.log.Warn("a call names a host of another org", hookAttrs(h, "eventId", truncateID(event), "host", strings.Clone(host[:min(len(host), 253)]), "from", from.String(), "times", h.stats.foreign.Load())...)
	}
}

// firstInMinute reports whether this is the first call in the current minute of the clock, and
// records that minute in last.
func firstInMinute(last *atomic.Int64) bool {
	minute := time.Now().Unix() / 60
	was := last.Load()
	return was != minute && last.CompareAndSwap(was, minute)
}

// hookAttrs returns log attributes: the hook, its org if it has one, and more.
func hookAttrs(h *Hook, more ...any) []any {
	attrs := []any{"hook", h.Rules.Name}
	if h.Rules.Org != nil {
		attrs = append(attrs, "org", h.Rules.Org.Name)
	}
	return append(attrs, more...)
}

func (n *decisionLog) allow() bool {
	now := time.Now().Unix()
	if was := n.second.Load(); was != now && n.second.CompareAndSwap(was, now) {
		if over := n.lines.Swap(0) - n.limit; over > 0 {
			n.log.Warn("log lines about rules were dropped", "lines", over)
		}
	}
	if n.lines.Add(1) <= n.limit {
		return true
	}
	n.dropped.Add(1)
	return false
}

// truncateID returns an eventId for the log. It is a copy, because the id shares the call's memory.
func truncateID(id string) string { return strings.Clone(id[:min(len(id), 64)]) }

func truncate(text string) string {
	const most = 1024
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
