// Package git makes route.Revision from where routes are written: the branch
// of a git remote (Remote), a directory on disk (Directory), or a commit of the
// repository that a directory lies in (Commit).
//
// What it promises:
//
//   - A failed read is an error, never an empty or partial revision. A deleted
//     branch, an empty repository and a tree without route files are errors.
//   - A revision is consistent: its ID is the commit whose files it holds. If
//     the branch moves during a fetch, the answer is the commit that was listed
//     or an error.
//   - All of them take and refuse the same files, so that a check of a
//     directory in CI says what the cluster will say of the commit. Only
//     regular files are read. A symbolic link, a submodule or a Git LFS pointer
//     where routes are expected is a route.Problem, as is a file that is too
//     large.
//   - With RemoteOptions.SignedBy, only what one of the keys signed is read, as the
//     keys are at that moment; where they cannot be read, nothing is.
//   - What a remote can make this process hold or wait for has a limit: Limits
//     bounds bytes and files before they are read, and each fetch has a time
//     limit that holds against a server that never answers.
//   - A quiet remote costs one request per poll; a commit is downloaded and
//     read once, also if it turns out to be unusable.
//   - Nothing is written to disk, and go-git's global registry of protocols is
//     left alone: only the schemes named in RemoteOptions can be spoken, and a
//     redirect is followed within the same scheme and host only.
//   - Credentials are files, which are read again for each fetch. They go to the
//     host of the URL alone, over TLS or ssh. Nothing of them is printed, not even
//     where a server repeats them; user information and queries in URLs are not
//     printed either (Redact).
//   - By ssh only what is given counts: no agent, no ~/.ssh, and a host whose key
//     is not known is refused.
//   - An error that stays until somebody acts is told from one that may pass.
//
// Watch makes changes show sooner; it is never needed for correctness. A wake
// says that a Fetch is worth while, not that something changed.
package git
