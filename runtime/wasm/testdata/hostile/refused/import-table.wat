;; A table of somebody else.
;; refused: import 0 (env.t)
(module
  (import "env" "t" (table 1 funcref))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0)))
