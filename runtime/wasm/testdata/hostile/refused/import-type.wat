;; A host function of another type.
;; refused: import 0 (tenterhook.get)
(module
  (import "tenterhook" "get" (func (param i64 i64) (result i64)))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0)))
