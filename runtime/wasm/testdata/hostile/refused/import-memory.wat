;; A memory of somebody else.
;; refused: import 0 (env.memory)
(module
  (import "env" "memory" (memory 1))
  (export "memory" (memory 0))
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0)))
