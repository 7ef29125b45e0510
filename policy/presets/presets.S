/* SPDX-License-Identifier: Apache-2.0 */
/* The preset policies, as they stand beside this file. */

	.section .rodata

.macro preset label, file
	.global preset_\label
	.global preset_\label\()_end
preset_\label:
	.incbin "\file"
preset_\label\()_end:
	.byte 0
.endm

	preset audit_first, "policy/presets/audit-first.yaml"
	preset baseline, "policy/presets/baseline.yaml"
	preset lean, "policy/presets/lean.yaml"
	preset restricted, "policy/presets/restricted.yaml"

	.section .note.GNU-stack, "", %progbits
