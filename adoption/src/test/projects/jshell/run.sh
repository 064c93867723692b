mkdir -p .java/.userPrefs
jshell --class-path sennit.jar -R--enable-native-access=ALL-UNNAMED -J-Djava.util.prefs.userRoot=. -s - < shop.jsh
