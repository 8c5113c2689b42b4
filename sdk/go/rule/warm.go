package rule

import (
	"encoding/json"
	"reflect"
)

// warmUp runs the SDK's own code without an event. The host freezes the module's state afterwards,
// so calls find the memory that Go's runtime sets up at first use. It runs no code of the rule: the
// rule's variables are as configure left them.
func (r *run) warmUp() {
	r.warmAllocator()
	d := Draft{event: Event{r}}
	d.event.Text("/data")
	d.Profile("firstName", "")
	d.Profile("lastName", "")
	d.Deny("no", "data")
	d.Debug("n", 1)
	d.append(nil)
	r.firstError = nil
}

// warmAllocator allocates small objects of each size, with and without pointers: the allocator takes
// a span of memory for each size at its first use.
func (r *run) warmAllocator() {
	const largest = 256 // larger ones are rare, and their spans make the state slower to restore
	for size := 8; size <= largest; size += size/4 + 1 {
		r.unused.bytes = make([]byte, size)
		r.unused.pointers = make([]*byte, size/4)
	}
	r.unused.bytes, r.unused.pointers = nil, nil
}

// WarmDecoder prepares Value.Decode for values of type T. Call it in init of package main: calls
// that decode a T then take less than half of the time, because encoding/json examines a type at
// its first use and a module's calls do not see each other's changes.
//
// It covers the types within T, except those with their own UnmarshalJSON, which is not called.
func WarmDecoder[T any]() {
	t := reflect.TypeFor[T]()
	for seen := t; isContainer(t.Kind()); {
		if t = t.Elem(); t == seen { // such as type T []T
			return
		}
	}
	v := reflect.New(t).Interface()
	if _, ok := v.(json.Unmarshaler); !ok {
		_ = json.Unmarshal([]byte("{}"), v) // fails on types other than objects, with the same effect
	}
}

func isContainer(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Slice || k == reflect.Array || k == reflect.Map
}
