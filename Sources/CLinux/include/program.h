#ifndef CLINUX_PROGRAM_H
#define CLINUX_PROGRAM_H

/// Unmaps the code of the program from this process: what is needed again is mapped again as it runs. The
/// kernel maps sixteen pages around each that is touched, so what a start ran through is soon most of what a small process holds.
void clinux_give_back_code(void);

#endif
