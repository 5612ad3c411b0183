package zz
import ("testing";"fmt";"sort";"offerlake/extract";"offerlake/extract/bearer";"offerlake/extract/onebound";"offerlake/extract/openplatform";"offerlake/extract/sandbox";"offerlake/pipeline/catalog")
func TestX(t *testing.T){
 ob,_:=onebound.New(onebound.Options{}); op,_:=openplatform.New(openplatform.Options{}); be,_:=bearer.New(bearer.Options{})
 for _,prof:=range []sandbox.Profile{sandbox.Clean,sandbox.Rough,sandbox.Hostile}{
  s,err:=sandbox.New(sandbox.Options{Offers:3000,Profile:prof}); if err!=nil{t.Fatal(err)}
  for name,d:=range map[string]extract.Dialect{"onebound":ob,"openplatform":op,"bearer":be}{
   cnt:=map[string]int{}; ex:=map[string]string{}
   note:=func(k,e string){cnt[k]++; if ex[k]==""{ex[k]=e}}
   for i:=0;i<3000;i++{
    tr:=s.Catalog().Offer(i)
    body,err:=s.Detail(name,tr.ID); if err!=nil{note("detail err",err.Error());continue}
    n:=0
    err=d.DecodeDetails(extract.Answer{Status:200,Body:body},[]catalog.OfferID{tr.ID},func(id catalog.OfferID,o *catalog.Offer,e error){
      n++
      if e!=nil{note("emit err",e.Error());return}
      if id!=tr.ID{note("id",string(body))}
      for _,is:=range o.DecodeIssues{note("issue "+is.Code+" "+is.Path[max(0,len(is.Path)-12):],fmt.Sprint(is))}
      if o.SKUTableIsBad{note("bad","")}
      if len(o.SKUs)!=len(tr.SKUs){note("skus",fmt.Sprint(len(o.SKUs),len(tr.SKUs)))} else {
       for k,sk:=range o.SKUs{ if sk.Price==""{note("sku price empty","")}; if len(sk.Attributes)!=len(tr.SKUs[0].Attributes){note("sku attrs",fmt.Sprint(tr.ID,sk))}; if sk.ID==""{note("sku id","")};if sk.Stock==""{note("sku stock empty","")};_=k;if sk.Weight.Text==""{note("sku weight empty","")}}}
      if len(o.Images)!=len(tr.Images){note("images",fmt.Sprint(o.Images,tr.Images))}
      if len(o.DetailImages)!=len(tr.DetailImages){note("detailimages",fmt.Sprint(o.DetailImages,tr.DetailImages))}
      if len(o.Attributes)!=len(tr.Attributes){note("attrs",fmt.Sprint(o.Attributes,tr.Attributes))}
      if len(o.Tiers)!=len(tr.Tiers){note("tiers",fmt.Sprint(o.Tiers,tr.Tiers,tr.QuoteType))}
      for f,v:=range map[string]string{"title":o.Title,"cat":o.CategoryID,"status":o.Status,"min":o.MinOrder,"unit":o.Unit,"stock":o.Stock,"sold":o.Sold,"weight":o.Weight.Text,"created":o.CreatedAt,"updated":o.UpdatedAt,"sup":o.Supplier.ID,"supname":o.Supplier.Name,"prov":o.Supplier.Province+o.Supplier.Location,"login":o.Supplier.LoginID,"price":o.Price,"white":o.WhiteImage,"desc":o.Description}{ if v==""{note("empty "+f,"")}}
      if o.FreeShipping.OK&&o.FreeShipping.V!=tr.FreeShipping{note("free",fmt.Sprint(o.FreeShipping,tr.FreeShipping))}
      if o.Verified.OK&&o.Verified.V!=tr.Verified{note("verified",fmt.Sprint(o.Verified,tr.Verified))}
      if !o.FreeShipping.OK{note("free unknown","")}; if !o.Verified.OK{note("verified unknown","")}
      note(fmt.Sprintf("pricing %d for quote %d",o.Pricing,tr.QuoteType),"")
    })
    if err!=nil{note("err "+string(catalog.ClassOf(err))+fmt.Sprint(" delisted ",tr.Delisted),err.Error())} else if n==0{note("unanswered",string(body))}
   }
   var ks []string; for k:=range cnt{ks=append(ks,k)}; sort.Strings(ks)
   fmt.Println("==",prof,name); for _,k:=range ks{e:=ex[k]; if len(e)>300{e=e[:300]}; fmt.Println("  ",k,cnt[k],e)}
  }
 }
}
