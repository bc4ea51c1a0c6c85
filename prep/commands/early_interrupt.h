/* prep/commands/early_interrupt.h - SIGINT and SIGTERM before there is anything to finish: they end the process, with a word and exit
 * status 130. From interrupt_watch on (base/interrupt.h) they wait to be asked for. */
#ifndef PREP_EARLY_INTERRUPT_H
#define PREP_EARLY_INTERRUPT_H

void early_interrupt_ends_process(void);

#endif
