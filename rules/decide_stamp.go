package rules

import (
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// stampName is the member of debugContext with the origin of an answer. Okta writes debugContext
// into its System Log (hooks.md section 1.4), so a reader of that log finds the log line of this
// server.
const stampName = "tenterhook"

// maxStampRules is the maximum number of rules in a stamp.
const maxStampRules = 20

// addStamp puts Okta's request id and the names of the matching rules into debugContext. A call
// without a request id gets no stamp.
func (k *chain) addStamp(d *Decision) {
	request := k.run.Event.Call.Request
	if request == "" {
		return
	}
	b := append(k.stampBuffer[:0], `{"request":`...)
	b = append(jsondoc.AppendString(b, request), `,"rules":[`...)
	n := 0
	for i := range d.Results {
		if r := &d.Results[i]; r.Matched && r.Err == nil && n < maxStampRules {
			if n++; n > 1 {
				b = append(b, ',')
			}
			b = jsondoc.AppendString(b, k.hook.rules[r.Rule].name)
		}
	}
	k.stampBuffer = append(b, "]}"...)
	k.merge.Stamp(stampName, k.stampBuffer)
}
