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

// layers lists the packages from top to bottom. An import goes to a lower layer, never up and never
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
	{"/engine/fair", "/engine/file", "/engine/durable", "/engine/ledger/pages"},
	{"/rules/suite"},
	{"/rules"},
	{"/rules/tables", "/rules/credential"},
	{"/rules/document", "/rules/folder", "/rules/destination"},
	{"/runtime/expr", "/runtime/wasm"},
	{"/runtime/password", "/runtime/schema", "/runtime/table", "/runtime/wasm/meter"},
	{"/runtime"},
	{"/sdk/hook/sample"},
	{"/sdk/hook"},
	{"/sdk/jsondoc", "/sdk/go/rule"},
}

// libraryUsers lists the packages that may use a library.
var libraryUsers = map[string][]string{
	"github.com/valyala/fasthttp":      {"/engine/gate"},
	"github.com/expr-lang/expr":        {"/runtime/expr"},
	"golang.org/x/crypto":              {"/runtime/password"},
	"golang.org/x/text":                {"/runtime/password"},
	"golang.org/x/net":                 {"/runtime/table"},
	"github.com/go-crypt/x":            {"/runtime/password"},
	"github.com/goccy/go-yaml":         {"/rules/document", "/engine/cli"},
	"github.com/spf13/cobra":           {"/engine/cli"},
	"github.com/fsnotify/fsnotify":     {"/engine/watch"},
	"github.com/prometheus":            {"/engine", "/engine/gate", "/engine/admin", "/engine/dispatch", "/engine/watch", "/engine/certificate", "/engine/issuer", "/engine/cli"},
	"github.com/go-jose":               {"/engine/issuer"},
	"go.etcd.io/bbolt":                 {"/engine/ledger"},
	"github.com/tetratelabs/wazero":    {"/runtime/wasm"},
	"github.com/caddyserver/certmagic": {"/engine/certificate"},
	"go.uber.org/zap":                  {"/engine/certificate"}, // certmagic logs with it
	"github.com/cenkalti/backoff":      {"/engine/outlet", "/engine/dispatch"},
	"github.com/sony/gobreaker":        {"/engine/outlet"},
	"github.com/pires/go-proxyproto":   {}, // tests of /engine/peer compare
	"github.com/rogpeppe/go-internal":  {"/rules/suite"},
}

// TestLayers checks the imports: the direction between layers, and the packages that may use a
// library.
func TestLayers(t *testing.T) {
	layer := make(map[string]int)
	for i, names := range layers {
		for _, name := range names {
			layer[module+name] = i
		}
	}
	for _, p := range listPackages(t) {
		at, ok := layer[p.ImportPath]
		if strings.HasPrefix(p.ImportPath, module+"/examples/") {
			at, ok = len(layers)-2, true // source of a module, compiled with its imports
		}
		if !ok {
			t.Errorf("%s is in no layer: add it to layers", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if other, ours := layer[imported]; ours && other <= at {
				t.Errorf("%s imports %s, which is not in a lower layer", p.ImportPath, imported)
			}
			if users, ok := usersOf(imported); ok && !slices.Contains(users, strings.TrimPrefix(p.ImportPath, module)) {
				t.Errorf("%s imports %s, which only %v may use", p.ImportPath, imported, users)
			}
			if strings.HasPrefix(p.ImportPath, module+"/sdk/") && strings.Contains(imported, ".") && !strings.HasPrefix(imported, module) {
				t.Errorf("%s imports %s: want the standard library only", p.ImportPath, imported)
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
	for library, users := range libraryUsers {
		if path == library || strings.HasPrefix(path, library+"/") {
			return users, true
		}
	}
	return nil, false
}
