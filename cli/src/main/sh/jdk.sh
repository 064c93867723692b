# Finding a JDK: read by ./sennit and ./test with the shell's "." command.
# A JDK's release file is read; no JDK is started.

wanted=25

# Folders whose children may be JDKs; SENNIT_JDK_FOLDERS (separated by colons) replaces the list.
jdk_folders=${SENNIT_JDK_FOLDERS-"/usr/lib/jvm:/usr/lib64/jvm:/usr/java:/usr/local/java:/usr/local:/opt:/opt/java:/opt/jdk\
:${HOME-}/.sdkman/candidates/java:${HOME-}/.jdks:${HOME-}/.m2/jdks:${HOME-}/.gradle/jdks\
:${HOME-}/.asdf/installs/java:${HOME-}/.local/share/mise/installs/java:${HOME-}/.jbang/cache/jdks\
:/Library/Java/JavaVirtualMachines:${HOME-}/Library/Java/JavaVirtualMachines:/opt/homebrew/opt:/usr/local/opt"}

no_jdk="no JDK $wanted or newer: looked at JAVA_HOME, the java on PATH and the install folders\
 (/usr/lib/jvm, /opt, ~/.sdkman, ~/.jdks, /Library/Java ...);\
 install one (apt-get install openjdk-$wanted-jdk, sdk install java $wanted-tem, brew install openjdk) or set JAVA_HOME to it"

# jdk_feature DIR: sets feature to 25 for a JDK 25, and to 0 when there is no JDK in DIR.
jdk_feature() {
  feature=0
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 0
  while IFS='=' read -r key value || [ -n "$key" ]; do
    if [ "$key" = JAVA_VERSION ]; then
      value=${value#\"}
      feature=${value%%[!0-9]*}
      : "${feature:=0}"
      return 0
    fi
  done < "$1/release"
}

# find_jdk [REMEMBERED]: sets jdk to the first that is new enough of: JAVA_HOME, the remembered one,
# the java on PATH, and the lowest version in the install folders. Returns 1 when there is none.
find_jdk() {
  jdk=
  for dir in "${JAVA_HOME-}" "${1-}"; do
    jdk_feature "$dir"
    if [ "$feature" -ge "$wanted" ]; then jdk=$dir; return 0; fi
  done

  if java=$(command -v java) && java=$(readlink -f "$java" 2>/dev/null); then
    jdk_feature "${java%/bin/java}"
    if [ "$feature" -ge "$wanted" ]; then jdk=${java%/bin/java}; return 0; fi
  fi

  lowest=
  old_ifs=$IFS
  IFS=:
  for folder in $jdk_folders; do
    for dir in "$folder"/* "$folder"/*/Contents/Home "$folder"/*/libexec/openjdk.jdk/Contents/Home; do
      jdk_feature "$dir"
      if [ "$feature" -ge "$wanted" ] && [ "$feature" -lt "${lowest:-1000}" ]; then
        lowest=$feature
        jdk=$dir
      fi
    done
  done
  IFS=$old_ifs
  [ -n "$jdk" ]
}
