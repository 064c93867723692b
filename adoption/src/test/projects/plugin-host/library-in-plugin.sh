java --enable-native-access=ALL-UNNAMED -cp target/host.jar host.Host ../plugin/target/plugin-1.0-all.jar
