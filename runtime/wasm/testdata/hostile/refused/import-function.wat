;; A host function that there is not.
;; refused: import 0 (tenterhook.fetch)
(module
  (import "tenterhook" "fetch" (func (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0)))
