// Package load turns table rows into published files.
//
// The flow of one run, in order:
//
//  1. A Dataset gives one TableWriter per table. It cuts the rows into Arrow
//     record batches of a fixed size and hands the same batches to the encoder
//     of every output; part files are staged where no reader looks.
//     The columns of a RecordTable are known when its last row is, so its rows
//     wait in a file in staging until its writer is closed.
//  2. A Verifier reads every staged file again with a second, independent
//     reader, in a child process, and compares it with what was counted while
//     writing.
//  3. Publish records an intent, makes the files visible, commits the manifest
//     and then removes the files that the manifest supersedes.
//  4. Recover finishes or rolls back a publish that was cut short.
//
// A job that compares its runs keeps a state as well: KeepState writes it, it is
// part of the publish, and OpenState finds it for the next date.
//
// The bytes, names and metadata of data files are a function of the job name,
// the date, the rows and the options, not of time or of how calls to Write
// were grouped. Files of different jobs in one destination never touch each
// other. A job and date is published by one process at a time: AcquireLock.
//
// The package knows neither file formats nor kinds of storage: encoders and
// stores implement its interfaces and come in through Output. It starts no
// goroutine, save the two readers of the verification child.
package load
