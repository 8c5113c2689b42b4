;; A global of somebody else.
;; refused: import 0 (env.g)
(module
  (import "env" "g" (global i32))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0)))
