// Package servers runs real object stores for tests: versitygw for S3,
// fake-gcs-server for GCS and azurite for Azure, each on a port of the loopback
// interface, with its data in a directory of the test. Only tests import it.
//
// The programs come from the directory that the variable OFFERLAKE_SERVERS
// names and .ci/servers fills; without it the tests are skipped.
//
// # What the servers honour
//
// Checked through gocloud.dev/blob, in the versions of .ci/servers. "Not there"
// is blob.WriterOptions.IfNotExist: If-None-Match "*" on S3 and Azure,
// generation 0 on GCS. "Unchanged" is If-Match with the ETag on S3 and Azure,
// the generation on GCS.
//
//	                                      versitygw  fake-gcs-server  azurite
//	read, copy of what does not exist     404        404              404
//	write "not there", it is there        412        412              409
//	write "unchanged", it has changed     412        412              412
//	write "unchanged", it does not exist  404        412              412
//	delete "unchanged", it has changed    412        deleted          412
//	delete "unchanged", it does not exist 204        404              412
//	range beyond the end                  416        416              416
//	key below an object's, "a/b" and "a"  409        500              stored
//
// Of 16 writers that race with one condition exactly one wins, on all three. An
// upload in parts has its condition checked when it is completed on versitygw
// and azurite; there and on fake-gcs-server nothing is visible before, and a
// cancelled upload leaves no object.
//
// Beware of
//   - versitygw: an ETag is the MD5 of the content, as on S3. An object that was
//     overwritten with the same content counts as unchanged.
//   - fake-gcs-server: deletes ignore conditions, which GCS honours.
//   - versitygw and fake-gcs-server: objects are files, so a key cannot be both
//     an object and the directory of others, which the real services allow.
//   - azurite: it saves its index every five seconds, and when it is told to end,
//     as Stop does. What it answers while it saves may be gone after Start, so
//     tests that stop a store under load should rather use a Proxy before it.
//   - azurite: it takes seconds to start on a busy machine, the others less than one.
//
// # What the clients do
//
// Found with a Proxy. The clients of S3 and Azure send a write again after a 503
// or a cut connection, three times at most with the defaults of S3, four with
// those of Azure. So a write "not there" whose answer is lost ends as a failed
// condition, though it was this very write that made the object: a caller must
// look at what is there before it believes that somebody else was first. The
// client of GCS sends again only writes with a condition, and only after a
// status such as 503: a write without one fails at the first 503, every write at
// the first connection that ends without an answer.
package servers
