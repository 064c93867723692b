jlink --add-modules java.base --output target/runtime
target/runtime/bin/java --enable-native-access=ALL-UNNAMED -cp 'target/shop.jar:target/lib/*' shop.Main
