;; An import from nowhere.
;; refused: import 0 (os.system)
(module
  (import "os" "system" (func (param i32)))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0)))
