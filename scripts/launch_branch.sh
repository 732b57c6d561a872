#!/bin/sh
# Make the branch "launch", which Binder and Colab open: one commit without a parent that holds the
# files of HEAD but .github, and the copies of the built book beside their chapters. The working
# tree and the current branch stay as they are, nothing is sent anywhere. The same HEAD and the same
# book give the same commit.
set -eu
cd "$(git rev-parse --show-toplevel)"
copies=_build/html/downloads/notebooks
[ -d "$copies" ] || { echo "no notebooks in $copies: run \`make book\` first" >&2 && exit 1; }

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
export GIT_INDEX_FILE="$folder/index"
git read-tree HEAD
# A token of a workflow may not push workflows, and nobody runs them from there.
git rm -r --cached --quiet --ignore-unmatch .github
git -C "$copies" --work-tree=. add --force --no-all .

GIT_AUTHOR_NAME=$(git log -1 --format=%an)
GIT_AUTHOR_EMAIL=$(git log -1 --format=%ae)
GIT_AUTHOR_DATE=$(git log -1 --format=%aI)
GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME
GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE
export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_COMMITTER_DATE
message="Chapters of $(git rev-parse --short=12 HEAD) as notebooks"
commit=$(git commit-tree "$(git write-tree)" -m "$message")
git update-ref refs/heads/launch "$commit"
echo "launch is $commit"
