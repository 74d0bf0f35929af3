package main
import ("context";"fmt";"os";"github.com/wharfinger/wharfinger/lab")
func main(){ p,err:=lab.Nginx(context.Background(),os.Args[2]); if err!=nil {fmt.Fprintln(os.Stderr,err);os.Exit(1)}; fmt.Println(p)}
