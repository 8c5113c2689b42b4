package expr

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

// earthRadius is the mean radius in kilometres (IUGG).
const earthRadius = 6371.0088

// distanceBetween uses the haversine formula on a sphere: at most half a percent off.
func distanceBetween(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	charge(r, 7)
	lat1, lon1, ok1 := coordinates(r, args[0], pos)
	lat2, lon2, ok2 := coordinates(r, args[1], pos)
	if !ok1 || !ok2 {
		r.Scratch.Missed = true
		return runtime.Value{}
	}
	north, east := math.Sin((lat2-lat1)/2), math.Sin((lon2-lon1)/2)
	h := north*north + math.Cos(lat1)*math.Cos(lat2)*east*east
	return runtime.FloatOf(2 * earthRadius * math.Asin(math.Sqrt(min(1, h))))
}

// coordinates are the latitude and longitude of an object in radians; ok is false without them.
func coordinates(r *runtime.Run, v runtime.Value, pos string) (lat, lon float64, ok bool) {
	charge(r, int64(v.Len())>>2)
	if inner := v.Get("geolocation"); !inner.IsNull() {
		v = inner
	}
	y, x := v.Get("lat"), v.Get("lon")
	if y.IsNull() || x.IsNull() {
		return 0, 0, false
	}
	lat, lon = y.Float(), x.Float()
	if !numeric(y) || !numeric(x) || !(math.Abs(lat) <= 90 && math.Abs(lon) <= 180) {
		fail(pos, "distance wants lat from -90 to 90 and lon from -180 to 180")
	}
	return lat * math.Pi / 180, lon * math.Pi / 180, true
}

// checkPlaces checks places that are written out or in vars: one without lat and lon has no
// position.
func checkPlaces(k *compiler, _ ast.Node, args []ast.Node, from []*code) {
	for i, n := range args {
		if from[i].constant && from[i].value.Kind() == runtime.Object {
			k.checkPlace(n, constantMembers(from[i].value))
			continue
		}
		if m, ok := n.(*ast.MapNode); ok {
			k.checkPlace(n, k.writtenMembers(m))
		}
	}
}

// checkPlace reports problems of a place with those members; a member that is not constant has no
// value.
func (k *compiler) checkPlace(n ast.Node, members map[string]*code) {
	if inner := members["geolocation"]; inner != nil {
		if !inner.constant {
			return
		}
		members = constantMembers(inner.value)
	}
	lat, lon := members["lat"], members["lon"]
	if lat == nil || lon == nil {
		k.report(n, "distance wants an object with lat and lon, or with a geolocation that has them, got one with %s", strings.Join(slices.Sorted(maps.Keys(members)), ", "))
		return
	}
	if isBeyond(lat, 90) || isBeyond(lon, 180) {
		k.report(n, "distance wants lat from -90 to 90 and lon from -180 to 180")
	}
}

// isBeyond reports whether c is constant and not a number within most degrees.
func isBeyond(c *code, most float64) bool {
	return c.constant && !c.value.IsNull() && (!numeric(c.value) || math.Abs(c.value.Float()) > most)
}

func constantMembers(v runtime.Value) map[string]*code {
	all := map[string]*code{}
	for name, n := range v.Node().Members() {
		all[name] = literal(runtime.NodeOf(n))
	}
	for i := 0; i+1 < len(v.Items()); i += 2 {
		all[v.Items()[i].Text()] = literal(v.Items()[i+1])
	}
	return all
}

// writtenMembers are the members of a written object; a member with a computed name is left out.
func (k *compiler) writtenMembers(n *ast.MapNode) map[string]*code {
	all := map[string]*code{}
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		if name := k.codes[pair.Key]; name != nil && name.constant {
			all[name.value.Text()] = k.codes[pair.Value]
		}
	}
	return all
}
