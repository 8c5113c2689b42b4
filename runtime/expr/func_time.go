package expr

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a policy means the same on machines without time zones

	"github.com/tenterhook/tenterhook/runtime"
)

// timeFunctions work on time. A point in time is a number: seconds since 1970 in UTC, as in a
// token's claims (RFC 7519 section 2), so that operators compare, add and subtract. Zones are names of
// the IANA database; the default is UTC. An unknown zone of a call gives null.
var timeFunctions = map[string]*function{
	"now": {usage: "now() number", doc: "the time of the call in whole seconds, the same throughout one call",
		example: `now() - parseTime(eventTime) < 300`, value: `true`,
		result: number, impure: true, call: now},
	"parseTime": {usage: "parseTime(text, zone?) number", doc: "the time in a text (RFC 3339); without an offset, or for a day alone, in the zone",
		example: `parseTime('2026-03-29T12:00:00', 'Europe/Berlin')`, value: `1774778400`, cost: "10",
		args: []types{text, text}, optional: 1, result: number, constArgs: 2, zoneArg: 2, bind: parseTime},
	"formatTime": {usage: "formatTime(time, pattern?, zone?) text", doc: "the time as a text: RFC 3339, or by a pattern of yyyy MM MMM MMMM dd d HH hh mm ss SSS a EEE EEEE Z XXX and 'text'",
		example: `formatTime(1774778400, 'EEE d MMM yyyy HH:mm', 'Europe/Berlin')`, value: `"Sun 29 Mar 2026 12:00"`, cost: "10",
		args: []types{number, text, text}, optional: 2, result: text, constArgs: 6, zoneArg: 4, bind: formatTime},
	"duration": {usage: "duration(text) number", doc: "seconds, of a text such as 90d, 1h30m or 500ms; its units are w d h m s ms",
		example: `duration('1d12h')`, value: `129600`, cost: "2",
		args: []types{text}, result: number, call: duration},
	"year": {usage: "year(time, zone?) number", doc: "the year in the zone", example: `year(1774778400)`, value: `2026`, cost: "4",
		args: []types{number, text}, optional: 1, result: number, constArgs: 2, zoneArg: 2, bind: bindTimePart(time.Time.Year)},
	"month": {usage: "month(time, zone?) number", doc: "the month in the zone, from 1", example: `month(1774778400)`, value: `3`, cost: "4",
		args: []types{number, text}, optional: 1, result: number, constArgs: 2, zoneArg: 2, bind: bindTimePart(func(t time.Time) int { return int(t.Month()) })},
	"day": {usage: "day(time, zone?) number", doc: "the day of the month in the zone", example: `day(1774778400)`, value: `29`, cost: "4",
		args: []types{number, text}, optional: 1, result: number, constArgs: 2, zoneArg: 2, bind: bindTimePart(time.Time.Day)},
	"weekday": {usage: "weekday(time, zone?) number", doc: "the day of the week in the zone, from 1 for Monday to 7 (ISO 8601)",
		example: `weekday(1774778400, 'Asia/Tokyo') in 1..5`, value: `false`, cost: "4",
		args: []types{number, text}, optional: 1, result: number, constArgs: 2, zoneArg: 2, bind: bindTimePart(weekday)},
	"hour": {usage: "hour(time, zone?) number", doc: "the hour in the zone, from 0 to 23",
		example: `hour(1774778400, 'Asia/Kolkata')`, value: `15`, cost: "4",
		args: []types{number, text}, optional: 1, result: number, constArgs: 2, zoneArg: 2, bind: bindTimePart(time.Time.Hour)},
	"minute": {usage: "minute(time, zone?) number", doc: "the minute in the zone", example: `minute(1774778400, 'Asia/Kolkata')`, value: `30`, cost: "4",
		args: []types{number, text}, optional: 1, result: number, constArgs: 2, zoneArg: 2, bind: bindTimePart(time.Time.Minute)},
	"addDays": {usage: "addDays(time, days, zone?) number", doc: "the same time of day in the zone that many days later, across clock changes",
		example: `addDays(1774692000, 1, 'Europe/Berlin') - 1774692000`, value: `82800`, cost: "6",
		args: []types{number, number, text}, optional: 1, result: number, constArgs: 4, zoneArg: 4, constProblem: onlyWhole, bind: bindCalendar(func(t time.Time, n int) time.Time { return t.AddDate(0, 0, n) })},
	"addMonths": {usage: "addMonths(time, months, zone?) number", doc: "the same day in the zone that many months later, or the last day of a shorter month",
		example: `formatTime(addMonths(parseTime('2026-01-31'), 1))`, value: `"2026-02-28T00:00:00Z"`, cost: "6",
		args: []types{number, number, text}, optional: 1, result: number, constArgs: 4, zoneArg: 4, constProblem: onlyWhole, bind: bindCalendar(addMonths)},
}

func now(r *runtime.Run, _ []runtime.Value, _ string) runtime.Value {
	return runtime.IntOf(r.Now.Unix())
}

// The years of RFC 3339.
var (
	firstSecond = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	lastSecond  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
)

// timeOf is the time of a number, to the microsecond: a float64 is not more precise today.
func timeOf(v runtime.Value, pos string) time.Time {
	if v.Kind() == runtime.Int {
		if v.Int() < firstSecond || v.Int() > lastSecond {
			failTimeRange(pos)
		}
		return time.Unix(v.Int(), 0)
	}
	f := v.Float()
	if !(f >= float64(firstSecond) && f <= float64(lastSecond)) {
		failTimeRange(pos)
	}
	whole, fraction := math.Floor(f), 0.0
	fraction = math.Round((f - whole) * 1e6)
	return time.Unix(int64(whole), int64(fraction)*1000)
}

func failTimeRange(pos string) { fail(pos, "a time outside of the years 0 to 9999") }

// secondsOf is a time as a number, an Int when it is whole.
func secondsOf(t time.Time, pos string) runtime.Value {
	if s := t.Unix(); s < firstSecond || s > lastSecond {
		failTimeRange(pos)
	}
	if t.Nanosecond() == 0 {
		return runtime.IntOf(t.Unix())
	}
	return runtime.FloatOf(float64(t.Unix()) + float64(t.Nanosecond())/1e9)
}

// localTimes are the formats of a time without an offset. Each may have a fraction of a second.
var localTimes = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly}

func parseTime(e *Env, args []runtime.Value) (callFunc, error) {
	zoneOf, err := bindZone(e, args, 1)
	if err != nil {
		return nil, err
	}
	zoned := len(args) == 2
	return func(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
		charge(r, 9)
		zone := zoneOf(r, args)
		if zone == nil {
			return runtime.Value{}
		}
		s := args[0].Text()
		if len(s) > 64 {
			s = ""
		}
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return secondsOf(t, pos)
		}
		for _, form := range localTimes {
			if !zoned && form != time.DateOnly {
				continue
			}
			charge(r, 4)
			if t, err := time.ParseInLocation(form, s, zone); err == nil {
				return secondsOf(t, pos)
			}
		}
		fail(pos, "parseTime wants a time such as 2026-03-29T12:00:00Z")
		return runtime.Value{}
	}, nil
}

// pieces maps the letters of a time pattern to Go's layout. They are those of Okta's expression
// language, which are Java's.
var pieces = map[string]string{
	"yyyy": "2006", "YYYY": "2006", "yy": "06", "MM": "01", "M": "1", "MMM": "Jan", "MMMM": "January", "dd": "02", "d": "2",
	"HH": "15", "hh": "03", "h": "3", "mm": "04", "ss": "05", "SSS": ".000", "a": "PM", "EEE": "Mon", "EEEE": "Monday",
	"Z": "-0700", "XXX": "Z07:00",
}

// piece is a part of a pattern: Go's layout, or literal text.
type piece struct {
	layout, text string
}

const maxTimePattern = 128

func formatTime(e *Env, args []runtime.Value) (callFunc, error) {
	all := []piece{{layout: time.RFC3339Nano}}
	var err error
	if len(args) > 1 {
		if all, err = parsePieces(args[1].Text()); err != nil {
			return nil, err
		}
	}
	zoneOf, err := bindZone(e, args, 2)
	if err != nil {
		return nil, err
	}
	return func(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
		charge(r, 9)
		zone := zoneOf(r, args)
		if zone == nil {
			return runtime.Value{}
		}
		t := timeOf(args[0], pos).In(zone)
		if t.Year() < 0 || t.Year() > 9999 {
			failTimeRange(pos)
		}
		b := reserveText(r, maxTimePattern*4)
		for _, p := range all {
			switch p.layout {
			case "":
				b = append(b, p.text...)
			case ".000": // Go reads it behind the seconds only
				b = append(b, strconv.Itoa(1000 + t.Nanosecond()/1e6)[1:]...)
			default:
				b = t.AppendFormat(b, p.layout)
			}
		}
		return textOfBytes(b)
	}, nil
}

func parsePieces(s string) (all []piece, err error) {
	if len(s) > maxTimePattern {
		return nil, fmt.Errorf("a pattern for a time of more than %d bytes", maxTimePattern)
	}
	for s != "" {
		n := 1
		c := s[0]
		switch {
		case c == '\'':
			text, size, ok := quotedPiece(s)
			if !ok {
				return nil, errors.New("the ' of the pattern is not closed")
			}
			all, n = append(all, piece{text: text}), size
		case (c|0x20)-'a' <= 25:
			for n < len(s) && s[n] == c {
				n++
			}
			layout, ok := pieces[s[:n]]
			if !ok {
				return nil, fmt.Errorf("%s in a pattern for a time: want yyyy MM dd HH mm ss and the like, and other letters between ' and '", s[:n])
			}
			all = append(all, piece{layout: layout})
		default:
			all = append(all, piece{text: s[:1]})
		}
		s = s[n:]
	}
	return all, nil
}

// quotedPiece is the text between the quotes that s begins with (” is one quote), and its length
// with them.
func quotedPiece(s string) (text string, size int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		default:
			if i == 1 {
				return "'", 2, true
			}
			return b.String(), i + 1, true
		}
	}
	return "", 0, false
}

// unitSeconds are the seconds in each unit of a duration.
var unitSeconds = map[string]float64{"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 1e-3}

func duration(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	charge(r, 1)
	s := args[0].Text()
	if len(s) > 64 {
		s = ""
	}
	negative := strings.HasPrefix(s, "-")
	rest := strings.TrimPrefix(s, "-")
	total, whole := 0.0, rest != ""
	for rest != "" && whole {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		unit := len(rest[digits:]) - len(strings.TrimLeft(rest[digits:], "abcdefghijklmnopqrstuvwxyz"))
		n, err := strconv.ParseFloat(rest[:digits], 64)
		seconds, known := unitSeconds[rest[digits:digits+unit]]
		whole = err == nil && known
		total += n * seconds
		rest = rest[digits+unit:]
	}
	if !whole {
		fail(pos, "duration wants a text such as 90d or 1h30m")
	}
	if negative {
		total = -total
	}
	if total == math.Trunc(total) && math.Abs(total) < 1<<53 {
		return runtime.IntOf(int64(total))
	}
	return finite(total, pos)
}

// bindTimePart makes a function that reads a part of a time in a zone.
func bindTimePart(part func(time.Time) int) func(*Env, []runtime.Value) (callFunc, error) {
	return func(e *Env, args []runtime.Value) (callFunc, error) {
		zoneOf, err := bindZone(e, args, 1)
		if err != nil {
			return nil, err
		}
		return func(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
			charge(r, 3)
			zone := zoneOf(r, args)
			if zone == nil {
				return runtime.Value{}
			}
			return runtime.IntOf(int64(part(timeOf(args[0], pos).In(zone))))
		}, nil
	}
}

// weekday counts from Monday.
func weekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// maxAdded keeps sums within the range of times.
const maxAdded = 9999 * 366

// bindCalendar makes a function that adds by the calendar of a zone.
func bindCalendar(add func(time.Time, int) time.Time) func(*Env, []runtime.Value) (callFunc, error) {
	return func(e *Env, args []runtime.Value) (callFunc, error) {
		zoneOf, err := bindZone(e, args, 2)
		if err != nil {
			return nil, err
		}
		return func(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
			charge(r, 5)
			zone := zoneOf(r, args)
			if zone == nil {
				return runtime.Value{}
			}
			n := wantInt(args[1], pos)
			if n < -maxAdded || n > maxAdded {
				failTimeRange(pos)
			}
			return secondsOf(add(timeOf(args[0], pos).In(zone), int(n)), pos)
		}, nil
	}
}

// addMonths is AddDate that stays in the target month.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := time.Date(first.Year(), first.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(first.Year(), first.Month(), min(t.Day(), last), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
}
