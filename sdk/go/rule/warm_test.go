package rule_test

import (
	"encoding/json"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

// countingType counts calls of its UnmarshalJSON.
type countingType struct{ n int }

var decodings int

func (c *countingType) UnmarshalJSON(text []byte) error {
	decodings++
	return json.Unmarshal(text, &c.n)
}

type recursiveList []recursiveList

type recursiveStruct struct {
	Next *recursiveStruct
	All  map[string][]recursiveStruct
	C    countingType
}

// WarmDecoder accepts any type and runs no code of its methods.
func TestWarmDecoder(t *testing.T) {
	rule.WarmDecoder[countingType]()
	rule.WarmDecoder[*recursiveStruct]()
	rule.WarmDecoder[map[string][]recursiveStruct]()
	rule.WarmDecoder[recursiveList]()
	rule.WarmDecoder[any]()
	rule.WarmDecoder[int]()
	rule.WarmDecoder[func()]()
	if decodings != 0 {
		t.Errorf("UnmarshalJSON was called %d times", decodings)
	}
	var r recursiveStruct
	if err := rule.Value(`{"next":{"c":7}}`).Decode(&r); err != nil || r.Next.C.n != 7 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// Configuring a rule calls it with no event, logs nothing and leaves nothing in the draft.
func TestConfigureIsSilent(t *testing.T) {
	calls := 0
	rule.Register(func(rule.Event, *rule.Draft) error { calls++; return nil })
	for _, event := range []string{`{}`, `{"data":7}`, `[]`, `"text"`} {
		calls = 0
		draft, err := rule.Sample{Event: event, Log: func(line string) { t.Errorf("it logged %q", line) }}.Run()
		if draft != "" || err != nil || calls != 1 {
			t.Errorf("%s: got %q, %v after %d calls", event, draft, err, calls)
		}
	}
}
