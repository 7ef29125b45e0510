/* SPDX-License-Identifier: Apache-2.0 */
/* Style and script of output_html.c, as they stand beside this file. */

	.section .rodata
	.global page_style
page_style:
	.incbin "server/cli/page.css"
	.byte 0
	.global page_script
page_script:
	.incbin "server/cli/page.js"
	.byte 0

	.section .note.GNU-stack, "", %progbits
