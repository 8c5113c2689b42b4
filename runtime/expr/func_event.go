package expr

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/schema"
)

// eventFunctions work on events and calls.
var eventFunctions = map[string]*function{
	"target": {usage: "target(list, type) object", doc: "the first of event.target that has the type, null when there is none",
		example: `target([{'type': 'User', 'id': '00u1'}, {'type': 'AppInstance', 'id': '0oa1'}], 'AppInstance').id`, value: `"0oa1"`, cost: "1 + 2 for each value",
		args: []types{list, text}, result: object, null: true, shape: elementShape, check: checkTargetType, call: target},
	"targets": {usage: "targets(list, type) list", doc: "all of them",
		example: `map(targets([{'type': 'User', 'id': '00u1'}, {'type': 'AppInstance', 'id': '0oa1'}], 'User'), #.id)`, value: `["00u1"]`, cost: "1 + 2 for each value",
		args: []types{list, text}, result: list, shape: listShape, size: sizeOfFirst, check: checkTargetType, call: targets},
	"distance": {usage: "distance(place, place) number", doc: "kilometres between two places, each an object with lat and lon, or one with a geolocation that has them; null when one has none",
		example: `round(distance({'lat': 52.52, 'lon': 13.405}, {'geolocation': {'lat': 48.8566, 'lon': 2.3522}}))`, value: `877`, cost: "8",
		args: []types{object, object}, result: number, null: true, check: checkPlaces, call: distanceBetween},
	"uuid": {usage: "uuid() text", doc: "a random UUID, a new one at each use; the same when a call is decided again",
		example: `len(uuid())`, value: `36`, cost: "16",
		result: text, impure: true, call: uuid},
	"random": {usage: "random() number", doc: "a random number from 0 up to, but not including, 1; likewise",
		example: `random() < 1`, value: `true`, cost: "16",
		result: number, impure: true, call: random},
}

func elementShape(from []*code) *schema.Schema {
	if s := from[0].shape.Element(); s != nil {
		return s
	}
	return schema.New(object)
}

func listShape(from []*code) *schema.Schema {
	if s := from[0].shape; s != nil {
		return s
	}
	return schema.New(list)
}

// checkTargetType checks the requested type: a typing error would never be found.
func checkTargetType(k *compiler, _ ast.Node, args []ast.Node, from []*code) {
	if s := from[0].shape.Element(); s.HasMembers() {
		k.checkText(args[1], &code{types: text, shape: s.Known("type")}, from[1].value)
	}
}

func target(r *runtime.Run, args []runtime.Value, _ string) (found runtime.Value) {
	each(r, args[0], func(_ int, item runtime.Value) bool {
		if hasType(r, item, args[1].Text()) {
			found = item
		}
		return found.IsNull()
	})
	return found
}

func targets(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	b := newBuilder(r, 0)
	each(r, args[0], func(_ int, item runtime.Value) bool {
		if hasType(r, item, args[1].Text()) {
			b.add(item)
		}
		return true
	})
	return runtime.ListOf(b.values)
}

func hasType(r *runtime.Run, v runtime.Value, name string) bool {
	charge(r, 1+int64(v.Len())>>3)
	return v.Kind() == runtime.Object && v.Get("type").Text() == name && name != ""
}

// drawBlock is the next random block of the call. Without the seed it is unpredictable.
func drawBlock(r *runtime.Run) [sha256.Size]byte {
	charge(r, 15)
	var b [40]byte
	seed := r.Seed()
	copy(b[:], seed[:])
	binary.BigEndian.PutUint64(b[32:], r.Scratch.Draws)
	r.Scratch.Draws++
	return sha256.Sum256(b[:])
}

func uuid(r *runtime.Run, _ []runtime.Value, _ string) runtime.Value {
	b := drawBlock(r)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4, variant 1 (RFC 9562 section 5.4)
	out := reserveText(r, 36)
	for i, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:16]} {
		if i > 0 {
			out = append(out, '-')
		}
		out = hex.AppendEncode(out, part)
	}
	return textOfBytes(out)
}

func random(r *runtime.Run, _ []runtime.Value, _ string) runtime.Value {
	b := drawBlock(r)
	return runtime.FloatOf(float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53))
}
