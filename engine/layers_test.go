package engine_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tenterhook/tenterhook"

// layers lists the rooms from the top of the house to the bottom. An import goes to a lower floor, never up and never
// sideways.
var layers = [][]string{
	{""},
	{"/engine/cli"},
	{"/engine/admin", "/engine/doctor"},
	{"/engine/gate", "/engine/watch"},
	{"/engine/audit", "/engine/certificate", "/engine/issuer", "/engine/peer"},
	{"/engine"},
	{"/engine/dispatch"},
	{"/engine/outlet", "/engine/ledger"},
	{"/engine/fair", "/engine/file", "/engine/durable"},
	{"/rules/suite"},
	{"/rules"},
	{"/runtime/expr", "/runtime/wasm"},
	{"/runtime/password", "/runtime/table", "/runtime/wasm/meter"},
	{"/runtime"},
	{"/sdk/hook/sample"},
	{"/sdk/hook"},
	{"/sdk/jsondoc", "/sdk/go/rule"},
}

// libraryUsers names the only packages that may know a library.
var libraryUsers = map[string][]string{
	"github.com/valyala/fasthttp":      {"/engine/gate"},
	"github.com/expr-lang/expr":        {"/runtime/expr"},
	"golang.org/x/crypto":              {"/runtime/password"},
	"github.com/goccy/go-yaml":         {"/rules", "/rules/suite", "/engine/cli"},
	"github.com/spf13/cobra":           {"/engine/cli"},
	"github.com/fsnotify/fsnotify":     {"/engine/watch"},
	"github.com/prometheus":            {"/engine", "/engine/gate", "/engine/admin", "/engine/dispatch", "/engine/watch", "/engine/certificate", "/engine/issuer", "/engine/cli"},
	"github.com/go-jose":               {"/engine/issuer"},
	"go.etcd.io/bbolt":                 {"/engine/ledger"},
	"github.com/tetratelabs/wazero":    {"/runtime/wasm"},
	"github.com/caddyserver/certmagic": {"/engine/certificate"},
	"go.uber.org/zap":                  {"/engine/certificate"}, // which certmagic logs with
	"github.com/cenkalti/backoff":      {"/engine/outlet", "/engine/dispatch"},
	"github.com/sony/gobreaker":        {"/engine/outlet"},
	"github.com/pires/go-proxyproto":   {}, // tests of /engine/peer compare
	"github.com/rogpeppe/go-internal":  {"/rules/suite"},
}

// TestHouse holds the arrows of the house: which package may import which, and who keeps which library.
func TestHouse(t *testing.T) {
	floor := make(map[string]int)
	for i, rooms := range layers {
		for _, room := range rooms {
			floor[module+room] = i
		}
	}
	for _, p := range listPackages(t) {
		at, ok := floor[p.ImportPath]
		if strings.HasPrefix(p.ImportPath, module+"/examples/") {
			at, ok = len(layers)-2, true // a module's source: what it imports is compiled into it
		}
		if !ok {
			t.Errorf("%s is a room the house does not have", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if below, ours := floor[imported]; ours && below <= at {
				t.Errorf("%s imports %s, which does not lie beneath it", p.ImportPath, imported)
			}
			if keeper, ok := usersOf(imported); ok && !slices.Contains(keeper, strings.TrimPrefix(p.ImportPath, module)) {
				t.Errorf("%s imports %s, which only %v may know", p.ImportPath, imported, keeper)
			}
			if strings.HasPrefix(p.ImportPath, module+"/sdk/") && strings.Contains(imported, ".") && !strings.HasPrefix(imported, module) {
				t.Errorf("%s imports %s: it has the standard library only", p.ImportPath, imported)
			}
		}
	}
}

type listedPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,GoFiles", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listedPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			listedPackage
			GoFiles []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p.listedPackage)
		}
	}
}

func usersOf(path string) ([]string, bool) {
	for library, keeper := range libraryUsers {
		if path == library || strings.HasPrefix(path, library+"/") {
			return keeper, true
		}
	}
	return nil, false
}
