java --enable-native-access=ALL-UNNAMED -cp 'target/host.jar:target/lib/*' host.Host ../plugin/target/plugin.jar
