package wasm

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// exportTypes has the types of the convention's exports.
var exportTypes = map[string]string{
	exportMarker:     "() -> ()",
	exportEvaluate:   "(i32, i32) -> i64",
	exportDecide:     "() -> i64",
	exportAlloc:      "(i32) -> i32",
	exportConfigure:  "(i32, i32) -> i32",
	exportInitialize: "() -> ()",
}

var componentHeader = []byte{0, 'a', 's', 'm', 0x0d, 0, 1, 0}

// checkHeader rejects files that are not core modules by their first bytes.
func checkHeader(src []byte) error {
	switch {
	case bytes.HasPrefix(src, componentHeader):
		return errors.New("it is a component: want a core module; build for wasm32 or wasip1, without the component step")
	case !bytes.HasPrefix(src, componentHeader[:4]):
		return errors.New("it is not WebAssembly: want the binary format, which begins with \\0asm")
	}
	return nil
}

// checkConvention returns every violation of the convention, nil if there is none.
func checkConvention(w *meter.Module) error {
	if name, hint := otherConvention(w); name != "" {
		return fmt.Errorf("it is made for %s: %s", name, hint)
	}
	var errs []error
	for i, e := range w.Imports {
		if why := importProblem(e); why != "" {
			errs = append(errs, fmt.Errorf("import %d (%s.%s): %s", i, meter.ShortName(e.Module), meter.ShortName(e.Name), why))
		}
	}
	return errors.Join(append(errs, exportProblems(w)...)...)
}

// otherConventions are conventions of other hosts, recognized by an import's module or an export's
// name.
var otherConventions = []struct{ imports, exports, name, hint string }{
	{imports: "extism:host", name: "Extism", hint: "want the exports of this convention; only the Extism imports must go"},
	{exports: "proxy_abi_version", name: "proxy-wasm", hint: "its filters see HTTP, and here a rule sees a call's JSON"},
	{imports: "http_handler", name: "http-wasm", hint: "its handlers see HTTP, and here a rule sees a call's JSON"},
	{imports: "wapc", name: "waPC", hint: "want evaluate in the place of __guest_call"},
	{exports: "__guest_call", name: "waPC", hint: "want evaluate in the place of __guest_call"},
	{exports: "opa_eval", name: "OPA", hint: "write the rule as an expression, or as a module with evaluate"},
	{imports: "shopify_function", name: "Shopify Functions", hint: "want evaluate in the place of its calls"},
	{imports: "javy_", name: "Javy", hint: "want evaluate and alloc exported"},
}

// otherConvention returns the name of another host's convention that the module follows, with a
// hint for its author.
func otherConvention(w *meter.Module) (name, hint string) {
	ours := findExport(w, exportMarker) != nil
	for _, d := range otherConventions {
		for _, e := range w.Imports {
			if d.imports != "" && strings.HasPrefix(e.Module, d.imports) {
				return d.name, d.hint
			}
		}
		for _, e := range w.Exports {
			if d.exports != "" && strings.HasPrefix(e.Name, d.exports) && !ours {
				return d.name, d.hint
			}
		}
	}
	if isCommand(w) {
		return "the command line (WASI with _start)", "want a reactor: in Go -buildmode=c-shared, in C -mexec-model=reactor, in Rust a cdylib"
	}
	return "", ""
}

// isCommand reports whether the module is a program that expects the host to call _start. Go's
// exports trap before that. Other linkers may need an empty _start only to link.
func isCommand(w *meter.Module) bool {
	if findExport(w, "_start") == nil {
		return false
	}
	decides := findExport(w, exportEvaluate) != nil || findExport(w, exportDecide) != nil
	return !decides || w.GoLinked && findExport(w, exportInitialize) == nil
}

// importProblem returns why an import is not available, "" if it is.
func importProblem(e meter.Extern) string {
	var known string
	switch e.Module {
	case importHost:
		i := slices.IndexFunc(hostFunctions, func(f hostFunction) bool { return f.name == e.Name })
		if i < 0 {
			return "there is no such host function: want get, get_text, length, lookup or log"
		}
		known = hostFunctions[i].signature()
	case importWASI:
		i := slices.IndexFunc(wasiFunctions, func(f hostFunction) bool { return f.name == e.Name })
		if i < 0 {
			return "preview 1 has no such function"
		}
		known = wasiFunctions[i].signature()
	case importEnv:
		if e.Name != abortFunction.name {
			return envHint(e.Name)
		}
		known = abortFunction.signature()
	default:
		return "want imports from " + importHost + ", " + importWASI + " and env.abort only"
	}
	if e.Kind != "func" || e.Type != known {
		return "want func " + known + ", got " + e.Kind + " " + e.Type
	}
	return ""
}

// envHint returns the remedy for an import from env that does not exist. AssemblyScript's standard
// library imports some of them.
func envHint(name string) string {
	const only = "of env only abort is there; "
	library, _, _ := strings.Cut(name, ".")
	switch {
	case name == "seed":
		return only + "AssemblyScript imports seed for Math.random: compile with --use seed=FILE/FUNCTION, a function () -> f64 that reads random_get of " + importWASI
	case name == "trace", library == "console":
		return only + "AssemblyScript imports it for " + name + ": call log of " + importHost + " instead"
	case library == "Date":
		return only + "AssemblyScript imports it for " + name + ": call clock_time_get of " + importWASI + " instead"
	}
	return only + "with clang or wasm-ld, a function that was declared and never defined becomes such an import"
}

// exportProblems lists the violations in the exports.
func exportProblems(w *meter.Module) (errs []error) {
	evaluate, decide := findExport(w, exportEvaluate), findExport(w, exportDecide)
	if m := findExport(w, exportMemory); m == nil || m.Kind != "memory" {
		errs = append(errs, errors.New("export memory: it is missing; want the linear memory under that name"))
	}
	if findExport(w, exportMarker) == nil {
		errs = append(errs, fmt.Errorf("export %s: it is missing; want a function () -> () that marks the convention", exportMarker))
	}
	switch {
	case evaluate == nil && decide == nil:
		errs = append(errs, fmt.Errorf("export evaluate or decide: both are missing; want evaluate %s, or decide %s", exportTypes[exportEvaluate], exportTypes[exportDecide]))
	case evaluate != nil && decide != nil:
		errs = append(errs, errors.New("export evaluate and decide: both are there; want one of them"))
	}
	if findExport(w, exportAlloc) == nil && (evaluate != nil || findExport(w, exportConfigure) != nil) {
		errs = append(errs, fmt.Errorf("export alloc: it is missing; want %s, which says where the host may write", exportTypes[exportAlloc]))
	}
	for _, e := range w.Exports {
		if want, known := exportTypes[e.Name]; known && (e.Kind != "func" || e.Type != want) {
			errs = append(errs, fmt.Errorf("export %s: want func %s, got %s %s", e.Name, want, e.Kind, e.Type))
		}
	}
	return errs
}

func findExport(w *meter.Module, export string) *meter.Extern {
	for i := range w.Exports {
		if w.Exports[i].Name == export {
			return &w.Exports[i]
		}
	}
	return nil
}
