package rules

import (
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// stampName is the member of debugContext that says what an answer came of. Okta keeps debugContext in its System Log
// (hooks.md section 1.4), so that whoever reads there finds the line in ours.
const stampName = "tenterhook"

// maxStampRules is how many rules are named at most.
const maxStampRules = 20

// addStamp puts Okta's own name for the request and those of the rules that matched into debugContext. A call for which Okta
// gave no name gets none: there is nothing to find it by.
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
