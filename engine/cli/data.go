package cli

import "path/filepath"

// ledgerFile is where the ledger lies in a data directory.
func ledgerFile(data string) string { return filepath.Join(data, "ledger") }
